use proptest::prelude::*;

use super::*;

fn host(name: &str, port: u16) -> HostPort {
    HostPort { name: name.into(), port }
}

fn plain(name: &str, port: u16) -> Form {
    Form::Plain(vec![host(name, port)])
}

fn unix(path: &str) -> Form {
    Form::Unix(path.into())
}

fn parts(url: &str) -> Parts {
    parse(url).unwrap().parts
}

#[test]
fn every_spelling_of_one_server_names_it() {
    let cases = [
        ("redis://cache", plain("cache", 6_379)),
        ("redis://cache/", plain("cache", 6_379)),
        ("REDIS://cache:6380", plain("cache", 6_380)),
        ("valkey://cache.example.org:1/0/", plain("cache.example.org", 1)),
        ("redis://docker_service", plain("docker_service", 6_379)),
        ("redis://10.0.0.1:65535?", plain("10.0.0.1", 65_535)),
        ("redis://[::1]", plain("::1", 6_379)),
        ("redis://u:p@[2001:db8::1]:7000/2", plain("2001:db8::1", 7_000)),
        ("cache", plain("cache", 6_379)),
        ("cache:6380", plain("cache", 6_380)),
        (" cache:6380/1\n", plain("cache", 6_380)),
        ("unix:///run/redis.sock", unix("/run/redis.sock")),
        ("unix://:pw@/run/redis.sock?db=1", unix("/run/redis.sock")),
        ("redis+unix:///run/a%20b.sock", unix("/run/a b.sock")),
        ("redis+socket:///run/redis.sock", unix("/run/redis.sock")),
        ("redis-socket:///run/redis.sock?database=3", unix("/run/redis.sock")),
        ("valkey+unix:///run/valkey.sock", unix("/run/valkey.sock")),
        ("/run/redis.sock", unix("/run/redis.sock")),
    ];
    for (url, form) in cases {
        assert_eq!(parse(url).unwrap().form, form, "{url}");
    }
}

#[test]
fn every_spelling_of_several_servers_lists_them() {
    let sentinels = || vec![host("h1", 26_379), host("h2", 26_380), host("::1", 26_379)];
    for scheme in ["redis+sentinel", "redis-sentinel", "sentinel", "valkey+sentinel"] {
        let url = parse(&format!("{scheme}://h1,h2:26380,[::1]/mymaster/1")).unwrap();
        assert_eq!(url.form, Form::Sentinel(sentinels()), "{scheme}");
        assert_eq!(url.parts.primary.as_deref(), Some("mymaster"));
        assert_eq!((url.parts.database, url.parts.tls), (Some(1), None));
    }
    let servers = || vec![host("h1", 7_000), host("h2", 6_379)];
    for scheme in ["redis+cluster", "redis-cluster", "cluster", "valkey-cluster"] {
        let url = parse(&format!("{scheme}://user:pw@h1:7000,h2")).unwrap();
        assert_eq!(url.form, Form::Cluster(servers()), "{scheme}");
    }
    assert_eq!(parse("redis://h1:7000,h2").unwrap().form, Form::Plain(servers()));
}

#[test]
fn a_second_s_in_the_scheme_is_tls() {
    let schemes = ["rediss", "valkeys", "rediss+sentinel", "rediss-cluster", "valkeys+cluster"];
    for scheme in schemes {
        assert_eq!(parts(&format!("{scheme}://host")).tls, Some(true), "{scheme}");
    }
    assert_eq!(parts("redis://host").tls, None);
    assert_eq!(parts("redis://host?tls=true").tls, Some(true));
    assert_eq!(parts("rediss://host?ssl=1").tls, Some(true));
}

#[test]
fn a_login_is_decoded_and_may_be_half() {
    let login = |url| {
        let Parts { username, password, .. } = parts(url);
        (username, password.map(|password| password.expose().clone()))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(login("redis://user:pw@h"), (some("user"), some("pw")));
    assert_eq!(login("redis://:pw@h"), (None, some("pw")));
    assert_eq!(login("redis://default:@h"), (some("default"), None));
    assert_eq!(login("redis://@h"), (None, None));
    assert_eq!(login("redis://:a%40%2F%3a%25%C3%A9@h"), (None, some("a@/:%é")));
    assert_eq!(login("redis://u:a@b:c+d@h"), (some("u"), some("a@b:c+d")));
    assert_eq!(login("redis://h?username=u&password=p%26q+"), (some("u"), some("p&q+")));
    assert_eq!(login("redis://u:pw@h?user=u&pass=pw"), (some("u"), some("pw")));
}

#[test]
fn parameters_are_known_by_the_names_of_several_clients() {
    assert_eq!(parts("redis://h?db=3&family=0").database, Some(3));
    assert_eq!(parts("redis://h/3?Database=3&db=&family=6").database, Some(3));
    let names = ["sentinelMaster", "sentinel_master", "sentinelMasterId", "master", "name"];
    for name in names.into_iter().chain(["master_name", "serviceName", "service-name"]) {
        let parts = parts(&format!("redis+sentinel://h/2?{name}=main"));
        assert_eq!((parts.primary.as_deref(), parts.database), (Some("main"), Some(2)), "{name}");
    }
    assert_eq!(parts("redis-sentinel://h:26379/1#main").primary.as_deref(), Some("main"));
    let parts = parts("sentinel://h/m?sentinelUsername=s&sentinel_password=pw");
    assert_eq!(parts.sentinel_username.as_deref(), Some("s"));
    assert_eq!(parts.sentinel_password, Some(Secret::new("pw".into())));
}

#[test]
fn each_mistake_has_its_flaw() {
    let cases = [
        ("https://cache.example.org", Flaw::Web),
        ("https://eu-1.upstash.io", Flaw::Upstash("eu-1.upstash.io".into())),
        ("https://default:x@eu-1.upstash.io", Flaw::Web),
        ("rediss+unix:///run/redis.sock", Flaw::Scheme),
        ("redis+https://host", Flaw::Scheme),
        ("", Flaw::NoHost),
        ("redis://", Flaw::NoHost),
        ("redis:///0", Flaw::NoHost),
        ("redis://:6379", Flaw::NoHost),
        ("redis://user:pw@", Flaw::NoHost),
        ("cluster://h1,,h2", Flaw::NoHost),
        ("redis://my host", Flaw::Host),
        ("redis://h\u{f6}st", Flaw::Host),
        ("redis://[::1", Flaw::Host),
        ("redis://[cache]:6379", Flaw::Host),
        ("redis://[::1]6379", Flaw::Host),
        ("redis://::1", Flaw::Brackets),
        ("redis://host:", Flaw::Port),
        ("redis://host:0", Flaw::Port),
        ("redis://host:65536", Flaw::Port),
        ("redis://host:+1", Flaw::Port),
        ("redis://:pass/word@host", Flaw::LateAt),
        ("redis://:pass#word@host", Flaw::LateAt),
        ("redis://:100%@host", Flaw::Percent),
        ("redis://:%4@host", Flaw::Percent),
        ("redis://:%é@host", Flaw::Percent),
        ("redis://:%ff@host", Flaw::Percent),
        ("redis://:pw%0A@host", Flaw::Percent),
        ("redis://host/256", Flaw::Database),
        ("redis://host?db=-1", Flaw::Database),
        ("sentinel://host/main/x", Flaw::Database),
        ("redis://host/main", Flaw::Path),
        ("redis://host/0/1", Flaw::Path),
        ("redis://host/0#x", Flaw::Fragment),
        ("unix://run/redis.sock", Flaw::Socket),
        ("unix:///", Flaw::Socket),
        ("redis://host?sentinelMaster=main", Flaw::NotSentinel),
        ("redis://host?sentinelPassword=pw", Flaw::NotSentinel),
        ("redis://host/1?db=2", Flaw::Twice),
        ("rediss://host?tls=false", Flaw::Twice),
        ("redis://:a@host?password=b", Flaw::Twice),
        ("redis://host?tls=maybe", Flaw::Flag("tls")),
        ("redis://host?family=7", Flaw::Family),
        ("redis://host?max_retries=3", Flaw::Parameter(Some("max_retries".into()))),
        ("redis://host?hunter", Flaw::Parameter(None)),
        ("redis://host?hunter2=x", Flaw::Parameter(None)),
        ("redis://host?password=hun&ter=x", Flaw::Parameter(None)),
    ];
    for (url, flaw) in cases {
        assert_eq!(parse(url), Err(flaw), "{url}");
    }
}

/// Text with every character that separates parts of a URL.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9:/?#@,&=%.+\\[\\]-]{0,12}", "\\PC{0,6}"]
}

proptest! {
    #[test]
    fn no_text_panics(text in ".*", scheme in "(redis|rediss|unix|sentinel|cluster)(\\+[a-z]*)?") {
        let _ = parse(&text);
        let _ = parse(&format!("{scheme}://{text}"));
    }

    /// Whatever surrounds it, and wherever it ended up.
    #[test]
    fn a_refusal_repeats_no_secret(
        scheme in "((redis|valkeys|unix|redis\\+sentinel|cluster|x)://)?",
        before in piece(),
        after in piece(),
    ) {
        let url = format!("{scheme}{before}hunter2secret{after}");
        if let Err(flaw) = parse(&url) {
            prop_assert!(!flaw.to_string().contains("hunter2"), "{url}: {flaw}");
        }
    }

    #[test]
    fn every_encoded_login_comes_back(user in "\\PC{1,12}", password in "\\PC{1,24}") {
        let encode = |text: &str| {
            text.bytes().fold(String::new(), |all, byte| all + &format!("%{byte:02x}"))
        };
        let parts = parts(&format!("redis://{}:{}@host", encode(&user), encode(&password)));
        prop_assert_eq!(parts.username, Some(user));
        prop_assert_eq!(parts.password, Some(Secret::new(password)));
    }
}
