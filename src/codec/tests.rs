mod lies;

use super::*;
use crate::key::Hasher;
use crate::tags::Tag;
use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

const LIMIT: usize = 1 << 20;
const PLACE: &[u8] = b"here";
/// Where the flags stand in a frame.
const FLAGS: usize = 5;
const SIGNED: u8 = 2;

fn plain() -> Codec {
    Codec::new(None, LIMIT)
}

fn signing(secret: &[u8]) -> Codec {
    Codec::new(Some(secret), LIMIT)
}

fn frame(body: &[u8]) -> Frame {
    Frame {
        head: Head {
            epoch: 7,
            position: Position(1_790_000_000_000_123),
            created: Timestamp(1_790_000_000_000_000),
            revalidate_us: Some(900_000_000),
            expire_us: None,
            class: Class::Fetch,
            format: 4,
        },
        key: "a key".encode_utf16().chain([0xD800]).collect(),
        tags: ["posts", "_N_T_/blog"].into_iter().map(Tag::from).collect(),
        body: body.into(),
    }
}

fn encoded(codec: &Codec, frame: &Frame) -> Vec<u8> {
    codec.encode(PLACE, &frame.borrowed()).unwrap()
}

/// A text that compresses well.
fn text(bytes: usize) -> Vec<u8> {
    b"<li class=\"entry\">".iter().copied().cycle().take(bytes).collect()
}

/// Bytes that do not compress.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..bytes).map(|_| next()).collect()
}

/// An attacker without the secret can change an unsigned frame and compute the checksum.
fn with_new_checksum(mut content: Vec<u8>) -> Vec<u8> {
    let sum = xxh3_64(&content);
    content.extend_from_slice(&sum.to_le_bytes());
    content
}

#[test]
fn a_body_is_compressed_from_1_kib_on_if_that_saves_a_tenth() {
    let stored =
        |body: &[u8]| encoded(&plain(), &frame(body)).len() - encoded(&plain(), &frame(&[])).len();
    assert_eq!(stored(&text(1_023)), 1_023);
    assert!(stored(&text(1_024)) < 200);
    assert_eq!(stored(&noise(50_000)), 50_000);
    // A twelfth and an eighth that compresses to almost nothing.
    let mixed = |part: usize| [noise(48_000 - 48_000 / part), vec![0; 48_000 / part]].concat();
    assert_eq!(stored(&mixed(12)), 48_000);
    assert!(stored(&mixed(8)) <= 43_200);
}

#[test]
fn a_frame_of_an_unknown_version_is_told_as_such() {
    let mut stored = encoded(&plain(), &frame(b"body"));
    for version in [0, 2, 255] {
        stored[MAGIC.len()] = version;
        assert_eq!(plain().decode(PLACE, &stored), Err(Broken::Version));
    }
    assert_eq!(plain().decode(PLACE, &stored[..MAGIC.len()]), Err(Broken::Length));
    assert_eq!(plain().decode(PLACE, b""), Err(Broken::Magic));
    assert_eq!(plain().decode(PLACE, b"{\"kind\":\"FETCH\"}"), Err(Broken::Magic));
}

#[test]
fn what_is_signed_for_one_place_is_not_believed_at_another() {
    let codec = signing(b"secret");
    let stored = codec.encode(b"build one", &frame(b"body").borrowed()).unwrap();
    assert!(codec.decode(b"build one", &stored).is_ok());
    assert_eq!(codec.decode(b"build two", &stored), Err(Broken::Mac));
    assert!(plain().decode(b"build two", &stored).is_ok());
}

#[test]
fn an_unknown_flag_is_refused_even_in_a_whole_frame() {
    let stored = encoded(&plain(), &frame(b"body"));
    for flag in [16, 32, 64, 128] {
        let mut content = stored[..stored.len() - 8].to_vec();
        content[FLAGS] |= flag;
        assert_eq!(plain().decode(PLACE, &with_new_checksum(content)), Err(Broken::Flags));
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let signing = signing(b"secret");
    for codec in [plain(), signing] {
        for body in [b"short".to_vec(), text(3_000)] {
            let stored = encoded(&codec, &frame(&body));
            assert!(codec.decode(PLACE, &stored).is_ok());
            for bit in 0..stored.len() * 8 {
                let mut flipped = stored.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(codec.decode(PLACE, &flipped).is_err(), "bit {bit}");
            }
            for length in 0..stored.len() {
                assert!(codec.decode(PLACE, &stored[..length]).is_err(), "{length} bytes");
            }
            let longer = [&*stored, &[0]].concat();
            assert_eq!(codec.decode(PLACE, &longer), Err(Broken::Checksum));
        }
    }
}

#[test]
fn a_frame_under_a_wrong_key_is_found_out() {
    let hasher = Hasher::default();
    let stored = encoded(&plain(), &frame(b"of a key"));
    let frame = plain().decode(PLACE, &stored).unwrap();
    let units: Vec<u16> = "a key".encode_utf16().chain([0xD800]).collect();
    let other: Vec<u16> = "a key".encode_utf16().chain([0xD801]).collect();
    assert!(frame.is_of(&hasher.key(Class::Fetch, &units)));
    assert!(!frame.is_of(&hasher.key(Class::Fetch, &other)));
    assert!(!frame.is_of(&hasher.key(Class::Fetch, &units[..5])));
    assert!(!frame.is_of(&hasher.key(Class::UseCache, &units)));
}

#[test]
fn with_a_secret_only_what_it_signed_is_believed() {
    let (plain, ours, theirs) = (plain(), signing(b"ours"), signing(b"theirs"));
    let signed = encoded(&ours, &frame(b"body"));
    assert_eq!(ours.decode(PLACE, &signed), Ok(frame(b"body")));
    assert_eq!(theirs.decode(PLACE, &signed), Err(Broken::Mac));
    assert_eq!(ours.decode(PLACE, &encoded(&plain, &frame(b"body"))), Err(Broken::Unsigned));
}

#[test]
fn a_forger_without_the_secret_gets_nowhere() {
    let ours = signing(b"ours");
    let signed = encoded(&ours, &frame(b"body"));
    let content = &signed[..signed.len() - 8 - 32];

    let mut stripped = content.to_vec();
    stripped[FLAGS] &= !SIGNED;
    assert_eq!(ours.decode(PLACE, &with_new_checksum(stripped)), Err(Broken::Unsigned));

    let mut changed = content.to_vec();
    *changed.last_mut().unwrap() ^= 1;
    let mut changed = with_new_checksum(changed);
    changed.extend_from_slice(&signed[signed.len() - 32..]);
    assert_eq!(ours.decode(PLACE, &changed), Err(Broken::Mac));

    let mut self_signed = with_new_checksum(content.to_vec());
    let unkeyed = blake3::hash(&self_signed);
    self_signed.extend_from_slice(unkeyed.as_bytes());
    assert_eq!(ours.decode(PLACE, &self_signed), Err(Broken::Mac));
}

#[test]
fn without_a_secret_signed_frames_are_read() {
    let mut signed = encoded(&signing(b"ours"), &frame(b"body"));
    assert_eq!(plain().decode(PLACE, &signed), Ok(frame(b"body")));
    signed[FLAGS + 1] ^= 1;
    assert_eq!(plain().decode(PLACE, &signed), Err(Broken::Checksum));
}

#[test]
fn the_secret_is_not_printed() {
    let shown = format!("{:?}", signing(b"hunter2"));
    assert_eq!(shown, "Codec { limit: 1048576, .. }");
}

#[test]
fn what_is_larger_than_the_limit_is_neither_written_nor_read() {
    let frame = frame(&text(5_000));
    let size = frame.key.len() * 2 + frame.tags.as_packed().len() + frame.body.len();
    let (just, short) = (Codec::new(None, size), Codec::new(None, size - 1));
    let stored = encoded(&just, &frame);
    assert_eq!(just.decode(PLACE, &stored), Ok(frame.clone()));
    assert_eq!(short.encode(PLACE, &frame.borrowed()), Err(Broken::TooLarge));
    assert_eq!(short.decode(PLACE, &stored), Err(Broken::TooLarge));
}

fn heads() -> impl Strategy<Value = Head> {
    let class = prop_oneof![
        Just(Class::UseCache),
        Just(Class::Response),
        Just(Class::Fetch),
        Just(Class::Image)
    ];
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>());
    (numbers, any::<Option<u64>>(), any::<Option<u64>>(), class, any::<u8>()).prop_map(
        |((epoch, position, created), revalidate_us, expire_us, class, format)| Head {
            epoch,
            position: Position(position),
            created: Timestamp(created),
            revalidate_us,
            expire_us,
            class,
            format,
        },
    )
}

fn keys() -> impl Strategy<Value = Box<[u16]>> {
    let units = prop_oneof![
        prop::collection::vec(any::<u16>(), 0..80),
        prop::collection::vec(0xD800..0xE000_u16, 0..80),
        (any::<u16>(), 10_000..40_000_usize).prop_map(|(unit, count)| vec![unit; count]),
    ];
    units.prop_map(Vec::into_boxed_slice)
}

fn tag_lists() -> impl Strategy<Value = TagList> {
    let count = prop_oneof![Just(0..=0), Just(1..=5), Just(128..=128)];
    count
        .prop_flat_map(|count| {
            prop::collection::vec(prop::collection::vec(any::<u16>(), 0..40), count)
        })
        .prop_map(|tags| tags.iter().map(|units| Tag::from_units(units)).collect())
}

fn bodies() -> impl Strategy<Value = Box<[u8]>> {
    let bytes = prop_oneof![
        Just(Vec::new()),
        prop::collection::vec(any::<u8>(), 0..3_000),
        (900..200_000_usize).prop_map(text),
    ];
    bytes.prop_map(Vec::into_boxed_slice)
}

fn frames() -> impl Strategy<Value = Frame> {
    (heads(), keys(), tag_lists(), bodies()).prop_map(|(head, key, tags, body)| Frame {
        head,
        key,
        tags,
        body,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_was_stored_is_what_is_read(frame in frames(), secret in any::<Option<[u8; 16]>>()) {
        let codec = Codec::new(secret.as_ref().map(<[u8; 16]>::as_slice), LIMIT);
        let stored = encoded(&codec, &frame);
        prop_assert_eq!(codec.decode(PLACE, &stored), Ok(frame));
    }

    #[test]
    fn packed_tags_are_a_list_only_if_the_last_is_whole(list in tag_lists()) {
        let packed = list.as_packed();
        let mut whole = vec![0];
        for tag in list.iter() {
            whole.push(whole[whole.len() - 1] + size_of::<u32>() + tag.len());
        }
        for length in 0..=packed.len() {
            let read = TagList::from_packed(&packed[..length]);
            prop_assert_eq!(read.is_some(), whole.contains(&length));
            prop_assert!(read.is_none_or(|read| read.as_packed() == &packed[..length]));
        }
        prop_assert_eq!(TagList::from_packed(packed), Some(list));
    }
}
