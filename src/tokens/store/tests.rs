use std::os::unix::fs::PermissionsExt as _;

use super::*;

const NOW: UnixSecs = UnixSecs(1_793_500_000);
const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn all() -> Reach {
    Reach::of(Scope::ALL.into())
}

fn mining() -> New {
    New {
        name: "rig 1".to_owned(),
        scopes: [Scope::Mining].into(),
        lifetime: None,
        requests_per_second: None,
        range: None,
        of_link: false,
    }
}

struct Stand {
    folder: tempfile::TempDir,
    store: Store,
}

impl Stand {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("tokens.json")).expect("no file yet");
        Self { folder, store }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("tokens.json")
    }

    fn create(&self, number: u8, new: New) -> Result<String, TokenError> {
        let (_, text) = self.store.create(TokenId::of(number), new, &all(), NOW)?;
        Ok(text.expose().to_string())
    }

    fn made(&self, number: u8, new: New) -> String {
        self.create(number, new).expect("a good token")
    }

    fn at(&self, token: &str, address: &str, scope: Scope, now: u64) -> Result<String, Denied> {
        let address = address.parse().expect("an address");
        let actor = self.store.authorize(token, address, scope, UnixSecs(now));
        actor.map(|actor| format!("{} {}", actor.id, actor.name))
    }

    fn used(&self, token: &str) -> Result<String, Denied> {
        self.at(token, "127.0.0.1", Scope::Mining, NOW.0)
    }
}

#[test]
fn a_token_is_good_for_its_scopes_and_kept_without_its_secret() {
    let stand = Stand::new();
    let token = stand.made(1, mining());
    assert_eq!(stand.used(&token), Ok("010101010101 rig 1".to_owned()));
    assert_eq!(stand.at(&token, "127.0.0.1", Scope::Peers, NOW.0), Err(Denied::Scope));
    // Another secret, and the same one with another id.
    let other = stand.made(2, mining());
    let swapped = token.replacen("0101", "0202", 3);
    assert_ne!(swapped[19..], other[19..]);
    assert_eq!(stand.used(&swapped), Err(Denied::Unknown));
    assert_eq!(stand.used(&token.replacen("01", "03", 6)), Err(Denied::Unknown));
    assert_eq!(stand.used("0123456789abcdef"), Err(Denied::Unknown));

    let kept = std::fs::read_to_string(stand.path()).expect("written");
    assert!(!kept.contains(&token[19..]), "the secret is not in the file");
    let mode = std::fs::metadata(stand.path()).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = Store::open(&stand.path()).expect("reads its own file");
    assert!(again.authorize(&token, HERE, Scope::Mining, NOW).is_ok());
    assert_eq!(again.list().len(), 2);
    let salts: std::collections::BTreeSet<_> = again.list().iter().map(|token| token.salt).collect();
    assert_eq!(salts.len(), 2, "each has its own");
}

#[test]
fn a_token_ends_at_its_time_to_the_second() {
    let stand = Stand::new();
    let short = New {
        lifetime: Some(60),
        ..mining()
    };
    let token = stand.made(1, short);
    let end = NOW.0 + 60;
    assert!(stand.at(&token, "127.0.0.1", Scope::Mining, end - 1).is_ok());
    let since = UnixSecs(end);
    for later in [end, end + 1_000_000] {
        assert_eq!(
            stand.at(&token, "127.0.0.1", Scope::Mining, later),
            Err(Denied::Expired { since })
        );
    }
    let id = TokenId::of(1);
    assert_eq!(
        stand.store.rotate(id, &all(), since).err(),
        Some(TokenError::Expired { id })
    );
}

#[test]
fn a_token_is_taken_from_its_range_alone() {
    let stand = Stand::new();
    let within = |range: &str| New {
        range: Some(range.parse().expect("a range")),
        ..mining()
    };
    let four = stand.made(1, within("198.51.100.77/24"));
    let six = stand.made(2, within("2001:db8::/32"));
    let from = |token: &str, address: &str| stand.at(token, address, Scope::Mining, NOW.0);
    assert!(from(&four, "198.51.100.1").is_ok());
    assert_eq!(from(&four, "198.51.101.1"), Err(Denied::Address));
    assert_eq!(from(&four, "2001:db8::1"), Err(Denied::Address));
    assert!(from(&six, "2001:db8:ffff::1").is_ok());
    assert_eq!(from(&six, "2001:db9::1"), Err(Denied::Address));
    let shown: Vec<_> = stand.store.list().into_iter().filter_map(|token| token.range).collect();
    assert_eq!(shown[0].to_string(), "198.51.100.0/24", "as it counts");
}

#[test]
fn a_token_has_its_own_limit_of_requests() {
    let stand = Stand::new();
    let slow = New {
        requests_per_second: Some(1),
        ..mining()
    };
    let (slow, free) = (stand.made(1, slow), stand.made(2, mining()));
    let denied = (0..1_000).find_map(|_| stand.used(&slow).err());
    let Some(Denied::Rate { per_second: 1, wait }) = denied else {
        panic!("not limited: {denied:?}");
    };
    assert!(wait <= std::time::Duration::from_secs(1), "{wait:?}");
    assert!((0..1_000).all(|_| stand.used(&free).is_ok()));
    // Its limit goes on when others are changed.
    stand.made(3, mining());
    let denied = (0..3).find_map(|_| stand.used(&slow).err());
    assert!(matches!(denied, Some(Denied::Rate { per_second: 1, .. })), "{denied:?}");
}

#[test]
fn what_is_revoked_or_rotated_is_unknown_at_once_and_after_a_restart() {
    let stand = Stand::new();
    let (revoked, rotated) = (stand.made(1, mining()), stand.made(2, mining()));
    let (id, other) = (TokenId::of(1), TokenId::of(2));
    assert_eq!(stand.store.revoke(id, NOW).map(|token| token.id), Ok(id));
    assert_eq!(stand.store.revoke(id, NOW).err(), Some(TokenError::Unknown { id }));
    let (_, text) = stand.store.rotate(other, &all(), NOW).expect("rotated");
    let new = text.expose();
    let reopened = Store::open(&stand.path()).expect("reads");
    for store in [&stand.store, &reopened] {
        let used = |token: &str| store.authorize(token, HERE, Scope::Mining, NOW).map(|actor| actor.name);
        assert_eq!(used(&revoked), Err(Denied::Unknown));
        assert_eq!(used(&rotated), Err(Denied::Unknown));
        assert_eq!(used(&new), Ok("rig 1".to_owned()));
    }
}

#[test]
fn nobody_gives_on_more_than_they_have() {
    let stand = Stand::new();
    let by = Reach {
        scopes: [Scope::Tokens, Scope::Mining].into(),
        expires: Some(UnixSecs(NOW.0 + 1_000)),
        range: Some("10.0.0.0/8".parse().expect("a range")),
        requests_per_second: NonZeroU32::new(10),
    };
    let good = New {
        lifetime: Some(1_000),
        requests_per_second: Some(10),
        range: Some("10.1.0.0/16".parse().expect("a range")),
        ..mining()
    };
    let id = TokenId::of(1);
    let create = |new: New| stand.store.create(id, new, &by, NOW).err();
    let more = New {
        scopes: [Scope::Mining, Scope::Peers].into(),
        ..good.clone()
    };
    let scope = Scope::Peers;
    assert_eq!(create(more), Some(TokenError::BeyondScopes { scope }));
    for faster in [None, Some(11)] {
        let more = New {
            requests_per_second: faster,
            ..good.clone()
        };
        assert_eq!(create(more), Some(TokenError::BeyondRate { per_second: 10 }));
    }
    let (range, expires) = (by.range.expect("given"), by.expires.expect("given"));
    for lifetime in [Some(1_001), None] {
        let longer = New {
            lifetime,
            ..good.clone()
        };
        assert_eq!(create(longer), Some(TokenError::BeyondTime { expires }));
    }
    for wider in [None, Some("10.0.0.0/7"), Some("11.0.0.0/16")] {
        let wider = New {
            range: wider.map(|range| range.parse().expect("a range")),
            ..good.clone()
        };
        assert_eq!(create(wider), Some(TokenError::BeyondRange { range }));
    }
    assert_eq!(create(good), None);
    // Rotating gives a secret away, too.
    stand.made(2, mining());
    let rotated = stand.store.rotate(TokenId::of(2), &by, NOW).err();
    assert_eq!(rotated, Some(TokenError::BeyondTime { expires }));
}

#[test]
fn each_limit_of_a_new_token_is_named() {
    let stand = Stand::new();
    let name = |name: &str| New {
        name: name.to_owned(),
        ..mining()
    };
    let life = |secs| New {
        lifetime: Some(secs),
        ..mining()
    };
    let rate = |found| New {
        requests_per_second: Some(found),
        ..mining()
    };
    let none = New {
        scopes: Scopes::new(),
        ..mining()
    };
    for (new, error) in [
        (name(""), TokenError::NoName),
        (name("  "), TokenError::NoName),
        (name(&"ä".repeat(65)), TokenError::LongName { chars: 65 }),
        (name("a\u{202e}b"), TokenError::HiddenName { found: '\u{202e}' }),
        (none, TokenError::NoScope),
        (life(59), TokenError::Lifetime { secs: 59 }),
        (life(315_360_001), TokenError::Lifetime { secs: 315_360_001 }),
        (rate(0), TokenError::Rate { found: 0 }),
        (rate(10_001), TokenError::Rate { found: 10_001 }),
    ] {
        assert_eq!(stand.create(1, new), Err(error));
    }
    assert!(!stand.path().exists(), "nothing was written");
    for number in 0..=255 {
        stand.made(number, name(&"ä".repeat(64)));
    }
    let more = stand
        .store
        .create("000000000001".parse().expect("an id"), mining(), &all(), NOW);
    assert_eq!(more.err(), Some(TokenError::TooMany));
    let length = std::fs::metadata(stand.path()).expect("written").len();
    assert!(length < MAX_FILE / 4, "{length} bytes");
    let id = TokenId::of(7);
    stand.store.revoke(TokenId::of(8), NOW).expect("one less");
    assert_eq!(stand.create(7, mining()), Err(TokenError::Taken { id }));
}

#[test]
fn a_last_use_is_shown_at_once_and_kept_when_it_is_written() {
    let stand = Stand::new();
    let token = stand.made(1, mining());
    assert_eq!(stand.store.list()[0].last_used, None);
    stand.used(&token).expect("good");
    let used = Some(LastUse {
        time: NOW,
        address: HERE,
    });
    let kept = || Store::open(&stand.path()).expect("reads").list()[0].last_used;
    assert_eq!((stand.store.list()[0].last_used, kept()), (used, None));
    // One that is denied is no use.
    let denied = stand.at(&token, "127.0.0.1", Scope::Peers, NOW.0 + 5);
    assert_eq!((denied, stand.store.list()[0].last_used), (Err(Denied::Scope), used));
    stand.store.keep_uses().expect("written");
    assert_eq!(kept(), used);
    let before = std::fs::metadata(stand.path())
        .expect("is there")
        .modified()
        .expect("a time");
    stand.store.keep_uses().expect("nothing to write");
    let after = std::fs::metadata(stand.path())
        .expect("is there")
        .modified()
        .expect("a time");
    assert_eq!(before, after);
    // A change of another token takes the use along, and does not turn it back.
    stand.at(&token, "127.0.0.1", Scope::Mining, NOW.0 + 9).expect("good");
    stand.made(2, mining());
    assert_eq!(kept().map(|used| used.time.0), Some(NOW.0 + 9));
}

#[test]
fn tokens_of_the_link_leave_the_list_once_they_have_expired() {
    let stand = Stand::new();
    let short = |of_link| New {
        lifetime: Some(60),
        of_link,
        ..mining()
    };
    stand.made(1, short(true));
    stand.made(2, short(false));
    stand
        .store
        .create(TokenId::of(3), mining(), &all(), UnixSecs(NOW.0 + 60))
        .expect("made");
    let left: Vec<_> = stand.store.list().iter().map(|token| token.id).collect();
    assert_eq!(left, [TokenId::of(2), TokenId::of(3)]);
}

#[test]
fn what_cannot_be_written_does_not_hold() {
    let stand = Stand::new();
    let token = stand.made(1, mining());
    std::fs::remove_file(stand.path()).expect("was there");
    std::fs::create_dir(stand.path()).expect("a folder in its place");
    for error in [
        stand.create(2, mining()).err(),
        stand.store.revoke(TokenId::of(1), NOW).err(),
        stand.store.rotate(TokenId::of(1), &all(), NOW).err(),
    ] {
        assert!(matches!(error, Some(TokenError::NotKept(_))), "{error:?}");
    }
    assert!(stand.used(&token).is_ok());
    assert_eq!(stand.store.list().len(), 1);
}

#[test]
fn a_file_that_is_none_of_ours_is_named_and_not_replaced() {
    let stand = Stand::new();
    stand.made(1, mining());
    let good = std::fs::read_to_string(stand.path()).expect("written");
    let token = good
        .split("\"tokens\": [")
        .nth(1)
        .and_then(|rest| rest.rsplit_once("\n  ]"))
        .expect("its form")
        .0;
    let twice = good.replace(token, &format!("{token},{token}"));
    for (text, why) in [
        ("", "EOF while parsing a value at line 1 column 0".to_owned()),
        (
            &good.replace("\"version\": 1", "\"version\": 2"),
            "its version is 2, expected 1".to_owned(),
        ),
        (&twice, "token 010101010101 stands in it twice".to_owned()),
    ] {
        std::fs::write(stand.path(), text).expect("our own file");
        let error = Store::open(&stand.path()).err().map(|error| error.to_string());
        let expected = format!("the tokens in {} cannot be read: {why}", stand.path().display());
        assert_eq!(error, Some(expected));
        assert_eq!(std::fs::read_to_string(stand.path()).expect("is there"), text);
    }
    std::fs::set_permissions(stand.path(), std::fs::Permissions::from_mode(0o644)).expect("our own file");
    let error = Store::open(&stand.path()).err().expect("open to others").to_string();
    assert!(error.contains("is readable by others (mode 644)"), "{error}");
}

#[test]
fn tabs_that_sign_in_leave_room_for_others_and_end_no_session_of_more_scopes() {
    let stand = Stand::new();
    let session = |scope| New {
        scopes: [scope].into(),
        of_link: true,
        lifetime: Some(43_200),
        ..mining()
    };
    let operator = stand.made(0, session(Scope::Mining));
    for number in 1..=100 {
        stand.made(number, session(Scope::Read));
    }
    let sessions = stand.store.list();
    assert_eq!(sessions.len(), MAX_SESSIONS);
    assert_eq!(stand.used(&operator), Ok(format!("{} rig 1", TokenId::of(0))));
    // The newest are there.
    assert!(sessions.iter().any(|token| token.id == TokenId::of(100)));
    assert!(sessions.iter().all(|token| token.id != TokenId::of(1)));
    stand.made(101, mining());
}
