use super::*;
use std::time::Duration;

/// A file that exists; its content does not matter here.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/LICENSE");

fn resolve(given: &Value, env: &Value) -> Result<Option<SharedOptions>, String> {
    Options::resolve(given, env).map(|options| options.shared).map_err(|error| error.to_string())
}

fn shared(given: &Value) -> SharedOptions {
    resolve(given, &Value::Null).unwrap().unwrap()
}

fn refusal(given: &Value) -> String {
    resolve(given, &Value::Null).unwrap_err()
}

fn place(given: &Value) -> String {
    shared(given).place()
}

#[test]
fn a_url_alone_takes_every_default() {
    let shared = shared(&json!({ "redisUrl": "redis://cache" }));
    let host = HostPort { name: "cache".into(), port: 6_379 };
    let topology = Topology::Single(host);
    let server = Server { topology, tls: None, username: None, password: None, database: 0 };
    let expected = SharedOptions {
        server,
        namespace: None,
        build_name: None,
        secret: None,
        command_timeout: Duration::from_millis(100),
        connect_timeout: Duration::from_secs(2),
        write_queue_bytes: 32 << 20,
        compress: true,
        isolate_fetch: false,
        in_build: false,
        in_dev: false,
        on_invalidation_failure: InvalidationFailure::Resolve,
        invalidation_grace: Duration::ZERO,
        outage_serve: Duration::from_secs(30),
        snapshot_every: Duration::from_secs(5),
    };
    assert_eq!(shared, expected);
}

#[test]
fn every_default_can_be_changed_by_its_variable() {
    let env = json!({
        "TIERCEL_REDIS_URL": "redis://cache", "TIERCEL_NAMESPACE": "shop:staging",
        "TIERCEL_BUILD_NAME": "4f1c2d9",
        "TIERCEL_SECRET": "sixteen letters!", "TIERCEL_COMMAND_TIMEOUT_MS": "10",
        "TIERCEL_CONNECT_TIMEOUT_MS": "100", "TIERCEL_WRITE_QUEUE_MB": "1",
        "TIERCEL_COMPRESS": "0", "TIERCEL_ISOLATE_FETCH": "1", "TIERCEL_REDIS_IN_BUILD": "yes",
        "TIERCEL_REDIS_IN_DEV": "on", "TIERCEL_ON_INVALIDATION_FAILURE": "reject",
        "TIERCEL_INVALIDATION_GRACE_MS": "60000", "TIERCEL_OUTAGE_SERVE_MS": "0",
        "TIERCEL_SNAPSHOT_SECONDS": "0",
    });
    let shared = resolve(&Value::Null, &env).unwrap().unwrap();
    assert_eq!(shared.namespace.as_deref(), Some("shop:staging"));
    assert_eq!(shared.build_name.as_deref(), Some("4f1c2d9"));
    assert_eq!(shared.secret.unwrap().expose(), "sixteen letters!");
    let timeouts = [shared.command_timeout, shared.connect_timeout];
    assert_eq!(timeouts, [10, 100].map(Duration::from_millis));
    assert_eq!(shared.write_queue_bytes, 1 << 20);
    assert!(!shared.compress && shared.isolate_fetch && shared.in_build && shared.in_dev);
    assert_eq!(shared.on_invalidation_failure, InvalidationFailure::Reject);
    assert_eq!(shared.invalidation_grace, Duration::from_mins(1));
    assert_eq!([shared.outage_serve, shared.snapshot_every], [Duration::ZERO; 2]);
}

#[test]
fn the_url_comes_from_the_first_place_that_names_one() {
    let all = |given: &Value, own: &str, platform: &str| {
        let env = json!({ "TIERCEL_REDIS_URL": own, "REDIS_URL": platform });
        resolve(given, &env).unwrap().map(|shared| shared.place())
    };
    let some = |place: &str| Some(place.to_owned());
    assert_eq!(all(&json!({ "redisUrl": "a" }), "b", "c"), some("redis a:6379/0"));
    assert_eq!(all(&json!({ "redisUrl": null }), "b", "c"), some("redis b:6379/0"));
    assert_eq!(all(&json!({ "redisUrl": "" }), "", "c"), some("redis c:6379/0"));
    assert_eq!(all(&json!({}), "", ""), None);
    assert_eq!(all(&json!({ "redisUrl": "none" }), "b", "c"), None);
    assert_eq!(all(&json!({}), "None", "c"), None);
}

#[test]
fn options_beside_the_url_win_over_it() {
    let server = shared(&json!({
        "redisUrl": "redis://a:b@cache/1", "redisUsername": "user", "redisPassword": "pw%41",
        "redisDatabase": 0, "redisTls": true,
    }))
    .server;
    assert_eq!(server.username.as_deref(), Some("user"));
    assert_eq!(server.password, Some(Secret::new("pw%41".into())));
    assert_eq!((server.database, server.tls.is_some()), (0, true));
    let plain = shared(&json!({ "redisUrl": "rediss://cache", "redisTls": false }));
    assert_eq!(plain.server.tls, None);
    let url = json!({ "redisUrl": "redis://user@cache", "redisPassword": "pw" });
    assert_eq!(shared(&url).server.username.as_deref(), Some("user"));
    let url = json!({ "redisUrl": "redis://default:@cache" });
    assert_eq!(shared(&url).server.username, None);
}

#[test]
fn sentinels_have_a_name_for_the_primary_and_a_login_of_their_own() {
    let topology = shared(&json!({
        "redisUrl": "redis+sentinel://user:pw@h1,h2:1/main", "redisSentinelName": "other",
        "redisSentinelUsername": "watch", "redisSentinelPassword": "man",
    }))
    .server
    .topology;
    let Topology::Sentinel { hosts, primary, username, password } = topology else {
        panic!("{topology:?}")
    };
    assert_eq!(hosts.iter().map(HostPort::to_string).collect::<Vec<_>>(), ["h1:26379", "h2:1"]);
    assert_eq!((primary.as_str(), username.as_deref()), ("other", Some("watch")));
    assert_eq!(password, Some(Secret::new("man".into())));
}

#[test]
fn a_place_says_where_without_saying_more() {
    let at = |url: &str| place(&json!({ "redisUrl": url }));
    assert_eq!(at("redis://user:pw@cache:6380/2"), "redis cache:6380/2");
    assert_eq!(at("rediss://[::1]"), "redis [::1]:6379/0");
    assert_eq!(at("unix://:pw@/run/redis.sock?db=1"), "unix /run/redis.sock");
    assert_eq!(at("redis+sentinel://:pw@h1,h2/mymaster"), "sentinel mymaster");
    assert_eq!(at("redis+cluster://:pw@h1:7000,h2,h3"), "cluster h1:7000 (+2)");
    let endpoint = json!({ "redisUrl": "rediss://config.cache", "redisCluster": true });
    assert_eq!(place(&endpoint), "cluster config.cache:6379");
    let list = json!({ "redisUrl": "h1,h2", "redisCluster": true });
    assert_eq!(place(&list), "cluster h1:6379 (+1)");
}

#[test]
fn tls_reads_its_files() {
    let tls = shared(&json!({
        "redisUrl": "rediss://cache", "redisTlsCaFile": FILE, "redisTlsCertFile": FILE,
        "redisTlsKeyFile": FILE, "redisTlsServerName": "cache.internal", "redisTlsVerify": false,
    }))
    .server
    .tls
    .unwrap();
    let text = std::fs::read(FILE).unwrap();
    let client = tls.client.as_ref().unwrap();
    for (pem, option) in [
        (tls.ca.as_ref().unwrap(), "redisTlsCaFile"),
        (&client.certificate, "redisTlsCertFile"),
        (&client.key, "redisTlsKeyFile"),
    ] {
        assert_eq!((pem.expose(), pem.option), (text.as_slice(), option));
    }
    assert_eq!((tls.server_name.as_deref(), tls.verify), (Some("cache.internal"), false));
    let plain = shared(&json!({ "redisUrl": "rediss://cache" })).server.tls.unwrap();
    assert_eq!(plain, Tls { ca: None, extra: None, client: None, server_name: None, verify: true });
}

#[test]
fn what_does_not_go_together_is_refused_by_name() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let cases = [
        (json!({ "redisUrl": "redis://h1,h2" }), "`redisUrl` must be a URL such as"),
        (json!({ "redisUrl": "redis://h1,h2" }), "redis+cluster://h1,h2"),
        (json!({ "redisUrl": "sentinel://h1" }), "does not name the primary"),
        (json!({ "redisUrl": "cluster://h1/1" }), "a cluster does not have"),
        (json!({ "redisUrl": "h1/1", "redisCluster": true }), "a cluster does not have"),
        (json!({ "redisUrl": "cluster://h1", "redisDatabase": 1 }), "`redisDatabase` must be 0"),
        (
            json!({ "redisUrl": "cluster://h1", "redisCluster": false }),
            "`redisCluster` must be true",
        ),
        (json!({ "redisUrl": "sentinel://h/m", "redisCluster": true }), "`redisCluster`"),
        (json!({ "redisUrl": "unix:///s", "redisCluster": true }), "`redisCluster`"),
        (json!({ "redisUrl": "redis://h", "redisSentinelName": "m" }), "`redisSentinelName`"),
        (json!({ "redisUrl": "redis://user@h" }), "a user and no password"),
        (
            json!({ "redisUrl": "redis://h", "redisUsername": "u" }),
            "`redisUsername` must be set only",
        ),
        (
            json!({ "redisUrl": "sentinel://h/m", "redisSentinelUsername": "u" }),
            "`redisSentinelUsername` must be set only with a password",
        ),
        (json!({ "redisUrl": "unix:///s", "redisTls": true }), "`redisTls`"),
        (json!({ "redisUrl": "unix:///s?tls=1" }), "with TLS, which a socket"),
        (
            json!({ "redisUrl": "redis://h", "redisTlsCaFile": FILE }),
            "`redisTlsCaFile` must be set",
        ),
        (json!({ "redisUrl": "redis://h", "redisTlsVerify": false }), "only with TLS"),
        (
            json!({ "redisUrl": "rediss://h", "redisTlsCertFile": FILE }),
            "`redisTlsCertFile` must be set only with `redisTlsKeyFile`",
        ),
        (json!({ "redisUrl": "rediss://h", "redisTlsKeyFile": FILE }), "with `redisTlsCertFile`"),
        (
            json!({ "redisUrl": "rediss://h", "redisTlsCaFile": "/nowhere/ca.pem" }),
            "`redisTlsCaFile` must be the path of a PEM file, but is one that cannot be read: entity",
        ),
        (json!({ "redisUrl": "rediss://h", "redisTlsCaFile": folder }), "but is no file"),
    ];
    for (given, says) in cases {
        let message = refusal(&given);
        assert!(message.contains(says), "{given}: {message}");
    }
}

#[test]
fn what_is_not_allowed_is_refused_without_a_url_too() {
    for (given, says) in [
        (json!({ "namespace": "a{b}" }), "`namespace` must be 1 to 64 of the characters"),
        (json!({ "namespace": "a".repeat(65) }), "`namespace`"),
        (json!({ "secret": "fifteen letters" }), "`secret` must be a text of 16 characters"),
        (
            json!({ "redisPassword": "two\nlines" }),
            "`redisPassword` must be a text without line breaks",
        ),
        (json!({ "redisPassword": 123_456 }), "`redisPassword` must be a text"),
        (json!({ "redisDatabase": 256 }), "`redisDatabase` must be a whole number from 0 to 255"),
        (json!({ "commandTimeoutMs": 9 }), "`commandTimeoutMs` must be a whole number from 10"),
        (json!({ "invalidationGraceMs": 60_001 }), "from 0 to 60000"),
        (
            json!({ "onInvalidationFailure": "throw" }),
            "must be resolve or reject, but is \"throw\"",
        ),
        (json!({ "redisTlsCaFile": "-----BEGIN X\nY" }), "must be the path of a PEM file"),
        (json!({ "redisTlsServerName": "https://x" }), "a host name or an address"),
        (json!({ "redisUrl": true }), "`redisUrl` must be a URL such as"),
    ] {
        let message = refusal(&given);
        assert!(message.contains(says), "{given}: {message}");
    }
}

#[test]
fn a_line_break_around_a_text_is_no_part_of_it() {
    let secret = "sixteen letters!";
    let given = json!({
        "redisUrl": "redis://cache\n", "redisPassword": " pass word \r\n", "redisUsername": "me\n",
        "namespace": "\nshop\n", "secret": format!("{secret}\n"),
    });
    let env = json!({
        "TIERCEL_REDIS_URL": "redis://cache\n", "TIERCEL_REDIS_PASSWORD": " pass word \r\n",
        "TIERCEL_REDIS_USERNAME": "me\n", "TIERCEL_NAMESPACE": "shop\n",
        "TIERCEL_SECRET": format!("{secret}\n"),
    });
    for outcome in [resolve(&given, &Value::Null), resolve(&Value::Null, &env)] {
        let shared = outcome.unwrap().unwrap();
        // Spaces are allowed.
        assert_eq!(shared.server.password.unwrap().expose(), " pass word ");
        assert_eq!(shared.server.username.as_deref(), Some("me"));
        assert_eq!(shared.namespace.as_deref(), Some("shop"));
        assert_eq!(shared.secret.unwrap().expose(), secret);
    }
    let none = json!({ "redisUrl": "redis://cache", "redisPassword": "\n", "redisUsername": "" });
    assert_eq!(shared(&none).server.password, None);
}

#[test]
fn files_are_not_read_without_a_url() {
    let given = json!({ "redisTlsCaFile": "/nowhere/ca.pem", "redisTls": true });
    assert_eq!(resolve(&given, &Value::Null), Ok(None));
}

#[test]
fn a_refusal_names_the_variable_that_was_read() {
    for name in ["TIERCEL_REDIS_URL", "REDIS_URL"] {
        let message = resolve(&Value::Null, &json!({ name: "http://cache" })).unwrap_err();
        assert!(message.contains(&format!("option `{name}` must be a URL such as")), "{message}");
    }
    let message = resolve(&Value::Null, &json!({ "REDIS_URL": "http://cache" })).unwrap_err();
    assert!(message.contains("`TIERCEL_REDIS_URL` counts first"), "{message}");
}

#[test]
fn nothing_printed_has_a_secret_in_it() {
    let options = Options::resolve(
        &json!({
            "redisUrl": "rediss+sentinel://user:hunter2secret@h/m", "secret": "hunter2secret123",
            "redisSentinelPassword": "hunter2secret", "redisTlsCertFile": FILE,
            "redisTlsKeyFile": FILE,
        }),
        &Value::Null,
    )
    .unwrap();
    let printed = format!("{options:?}");
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(printed.contains(r#"key: Pem { option: "redisTlsKeyFile", .. }"#), "{printed}");
    assert!(!options.shared.unwrap().place().contains("hunter2"));
}

#[test]
fn no_option_repeats_a_secret_that_went_into_it() {
    for names in spec::ALL {
        for value in ["hunter2\nsecret", "redis://:hunter2secret"] {
            let url = json!({ "redisUrl": "rediss://cache", names.option: value });
            let env = json!({ "REDIS_URL": "rediss://cache", names.env: value });
            for outcome in [resolve(&url, &Value::Null), resolve(&Value::Null, &env)] {
                let message = outcome.err().unwrap_or_default();
                assert!(!message.contains("hunter2"), "{message}");
            }
        }
    }
}

#[test]
fn the_login_of_a_url_counts_instead_of_the_variables() {
    let env = json!({ "TIERCEL_REDIS_USERNAME": "env", "TIERCEL_REDIS_PASSWORD": "env", "A": "b" });
    for url in ["redis://user:pw@h", "user:pw@h:6379", "redis://h?password=pw"] {
        assert_eq!(without_login(&env, url), json!({ "A": "b" }), "{url}");
    }
    for url in ["redis://h", "redis://h/0#a@b", "", "redis://"] {
        assert_eq!(without_login(&env, url), env, "{url}");
    }
}
