//! Version 1 of the stored format.
//!
//! # Format
//! Little endian, without padding. Times are microseconds.
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | magic |
//! | 1 | version: 1 |
//! | 1 | flags: 1 = the body is one zstd frame, 2 = there is a MAC, 4 = there is a revalidate, 8 = there is an expire |
//! | 1 | class: 0 = `'use cache'`, 1 = response, 2 = fetch, 3 = image |
//! | 1 | format of the body |
//! | 8 | epoch |
//! | 8 | position |
//! | 8 | created, since the Unix epoch |
//! | 8 or 0 | revalidate |
//! | 8 or 0 | expire |
//! | 4 + 2n | key: n, then n UTF-16 units |
//! | 4 + n | tags: n, then n bytes as [`TagList`] packs them |
//! | 4 | length of the raw body |
//! | all up to the seal | body |
//! | 8 | xxh3-64 of everything before |
//! | 32 or 0 | BLAKE3 of everything before, keyed with a key derived from the secret |

use super::reader::Reader;
use super::seal::Seal;
use super::{Broken, Codec, Frame, FrameRef, Glance, Head, MAGIC};
use crate::clock::Timestamp;
use crate::key::Class;
use crate::tags::{Position, TagList};

pub(super) const VERSION: u8 = 1;

const ZIPPED: u8 = 1;
const SIGNED: u8 = 2;
const REVALIDATE: u8 = 4;
const EXPIRE: u8 = 8;
const KNOWN: u8 = ZIPPED | SIGNED | REVALIDATE | EXPIRE;

/// The largest size of everything but key, tags, body and seal.
const MOST_FIXED_BYTES: usize = 8 + 5 * 8 + 3 * 4;

/// `frame` as stored bytes. The caller has made sure that every length fits a `u32`.
pub(super) fn write(codec: &Codec, place: &[u8], frame: &FrameRef<'_>) -> Vec<u8> {
    let FrameRef { head, key, tags, body } = *frame;
    let zipped = codec.zip.compress(body);
    let flag = |bit: u8, set: bool| if set { bit } else { 0 };
    let flags = flag(ZIPPED, zipped.is_some())
        | flag(SIGNED, codec.seal.signs())
        | flag(REVALIDATE, head.revalidate_us.is_some())
        | flag(EXPIRE, head.expire_us.is_some());
    let stored = zipped.as_deref().unwrap_or(body);
    let tags = tags.as_packed();
    let bytes = MOST_FIXED_BYTES + size_of_val(key) + tags.len() + stored.len() + Seal::BYTES;

    let mut out = Vec::with_capacity(bytes);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[VERSION, flags, number_of(head.class), head.format]);
    let numbers = [head.epoch, head.position.0, head.created.0];
    for number in numbers.into_iter().chain(head.revalidate_us).chain(head.expire_us) {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&(key.len() as u32).to_le_bytes());
    out.extend(key.iter().flat_map(|unit| unit.to_le_bytes()));
    out.extend_from_slice(&(tags.len() as u32).to_le_bytes());
    out.extend_from_slice(tags);
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.extend_from_slice(stored);
    codec.seal.close(&mut out, place);
    out
}

/// The frame in `stored`, whose magic and version the caller has seen.
pub(super) fn read(codec: &Codec, place: &[u8], stored: &[u8]) -> Result<Frame, Broken> {
    let flags = *stored.get(MAGIC.len() + 1).ok_or(Broken::Length)?;
    let has = |bit: u8| flags & bit != 0;
    if has(!KNOWN) {
        return Err(Broken::Flags);
    }
    // Nothing after the flags is read before the seal is verified.
    let mut content = Reader(codec.seal.open(stored, place, has(SIGNED))?);
    let head = head(&mut content)?;
    let key = content.counted(size_of::<u16>())?;
    let tags = content.counted(1)?;
    let raw_len = content.u32()? as usize;
    codec.check_size([key.len(), tags.len(), raw_len])?;
    let tags = TagList::from_packed(tags).ok_or(Broken::Tags)?;

    let Reader(body) = content;
    let body = if has(ZIPPED) {
        codec.zip.decompress(body, raw_len)?
    } else if body.len() == raw_len {
        body.into()
    } else {
        return Err(Broken::Length);
    };
    let (units, _) = key.as_chunks();
    let key = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    Ok(Frame { head, key, tags, body })
}

/// The fields in front of the key.
fn head(content: &mut Reader<'_>) -> Result<Head, Broken> {
    let [.., flags, class, format] = content.array::<8>()?;
    let has = |bit: u8| flags & bit != 0;
    Ok(Head {
        epoch: content.u64()?,
        position: Position(content.u64()?),
        created: Timestamp(content.u64()?),
        revalidate_us: if has(REVALIDATE) { Some(content.u64()?) } else { None },
        expire_us: if has(EXPIRE) { Some(content.u64()?) } else { None },
        class: class_of(class).ok_or(Broken::Class)?,
        format,
    })
}

/// What the front of a frame claims. Nothing of it is proven.
pub(super) fn glance(front: &[u8]) -> Result<Glance, Broken> {
    let flags = *front.get(MAGIC.len() + 1).ok_or(Broken::Length)?;
    if flags & !KNOWN != 0 {
        return Err(Broken::Flags);
    }
    let mut content = Reader(front);
    let head = head(&mut content)?;
    let key = content.counted(size_of::<u16>())?;
    let (units, _) = key.as_chunks();
    let key = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    let tags = TagList::from_packed(content.counted(1)?).ok_or(Broken::Tags)?;
    let raw_bytes = content.u32()?;
    let (is_zipped, is_signed) = (flags & ZIPPED != 0, flags & SIGNED != 0);
    Ok(Glance { head, key, tags, raw_bytes, is_zipped, is_signed })
}

/// Spelled out, so that no change of [`Class`] changes stored bytes.
fn number_of(class: Class) -> u8 {
    match class {
        Class::UseCache => 0,
        Class::Response => 1,
        Class::Fetch => 2,
        Class::Image => 3,
        Class::Own => 4,
    }
}

fn class_of(number: u8) -> Option<Class> {
    match number {
        0 => Some(Class::UseCache),
        1 => Some(Class::Response),
        2 => Some(Class::Fetch),
        3 => Some(Class::Image),
        4 => Some(Class::Own),
        _ => None,
    }
}
