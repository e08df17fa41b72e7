use tally_chain::transaction::MAX_TRANSACTION_BYTES;

use super::*;

fn sent(id: &str, nonce: u64) -> Sent {
    Sent {
        nonce,
        ..Sent::in_doubt(id)
    }
}

#[test]
fn what_the_node_knows_is_where_its_answer_has_it() {
    let one = sent("a", 3);
    assert_eq!(fate(&one, Some(Status::Pending), 3, &[]), Fate::Waiting);
    assert_eq!(fate(&one, Some(Status::Failed), 4, &[]), Fate::Included);
    assert_eq!(fate(&one, Some(Status::Succeeded), 4, &[]), Fate::Included);
}

#[test]
fn what_it_does_not_know_was_replaced_or_dropped() {
    let journal = [sent("a", 3), sent("b", 3), sent("c", 4)];
    let by = |id: &str| Fate::Replaced {
        by: Some(id.to_owned()),
    };
    assert_eq!(fate(&journal[0], None, 3, &journal), by("b"));
    assert_eq!(fate(&journal[1], None, 3, &journal), Fate::Dropped, "a is older");
    assert_eq!(fate(&journal[1], None, 4, &journal), Fate::Replaced { by: None });
    assert_eq!(fate(&journal[2], None, 4, &journal), Fate::Dropped);
    let other = Sent {
        from: "0xB".to_owned(),
        ..sent("d", 3)
    };
    assert_eq!(fate(&journal[0], None, 3, &[journal[0].clone(), other]), Fate::Dropped);
}

#[test]
fn what_the_node_once_had_stays_acknowledged() {
    let taken = Sent {
        acknowledged: true,
        ..sent("a", 3)
    };
    let journal = with(vec![Entry::Sent(taken.clone())], sent("a", 3));
    let again = Sent {
        again: true,
        ..taken.clone()
    };
    assert_eq!(journal, vec![Entry::Sent(again)]);
    // Older versions kept an entry only once it was accepted.
    let old = r#"[{"id":"a","from":"0xA","nonce":3,"at":1,"purpose":"payment","replaces":null,"envelope":"0x54"}]"#;
    assert_eq!(parsed(Some(old.to_owned())), Ok(vec![Entry::Sent(taken)]));
}

#[test]
fn what_is_kept_shows_what_is_known_before_a_sending() {
    let taken = Sent {
        acknowledged: true,
        ..sent("b", 4)
    };
    let journal = [Entry::Sent(sent("a", 3)), Entry::Sent(taken)];
    assert_eq!(earlier_in(&journal, "a"), Earlier::Open);
    assert_eq!(earlier_in(&journal, "b"), Earlier::Accepted);
    assert_eq!(earlier_in(&journal, "c"), Earlier::Never);
}

#[test]
fn of_two_that_hand_in_the_same_only_one_is_the_first() {
    let (first, journal) = added(Vec::new(), sent("a", 3));
    let (second, journal) = added(journal, sent("a", 3));
    let (other, journal) = added(journal, sent("b", 4));
    assert_eq!([first, second, other], [Earlier::Never, Earlier::Open, Earlier::Never]);
    assert_eq!(nonces(&journal), vec![3, 4], "kept once");
}

#[test]
fn a_rejected_one_is_forgotten_only_where_no_other_tab_sent_it_too() {
    let (_, first) = added(Vec::new(), sent("a", 3));
    assert_eq!(without_rejected(first.clone(), "a"), (Earlier::Never, Vec::new()));
    assert_eq!(without_rejected(first.clone(), "b"), (Earlier::Never, first.clone()));
    // The other tab has no answer yet.
    let (_, both) = added(first, sent("a", 3));
    assert_eq!(without_rejected(both.clone(), "a"), (Earlier::Open, both.clone()));
    // The node accepted it from the other tab.
    let mut taken = both;
    if let Entry::Sent(sent) = &mut taken[0] {
        sent.acknowledged = true;
    }
    assert_eq!(without_rejected(taken.clone(), "a"), (Earlier::Accepted, taken));
}

fn nonces(journal: &[Entry]) -> Vec<u64> {
    journal.iter().filter_map(Entry::sent).map(|sent| sent.nonce).collect()
}

/// Entries of these nonces, one after the other.
fn filled(nonces: std::ops::Range<u64>, acknowledged: bool) -> Vec<Entry> {
    nonces.fold(Vec::new(), |journal, nonce| {
        let sent = Sent {
            acknowledged,
            ..sent(&nonce.to_string(), nonce)
        };
        with(journal, sent)
    })
}

#[test]
fn what_is_in_doubt_is_never_let_go() {
    let mut journal = filled(0..70, false);
    assert_eq!(nonces(&journal), (0..70).collect::<Vec<_>>());
    // Of those that a node has, the oldest go, and only those.
    journal.extend(filled(70..140, true));
    let journal = trimmed(journal);
    assert_eq!(nonces(&journal), (0..70).chain(76..140).collect::<Vec<_>>());
    assert_eq!(nonces(&filled(0..70, true)), (6..70).collect::<Vec<_>>());
}

#[test]
fn the_bytes_of_what_is_in_doubt_are_kept_whole() {
    let largest = |id: &str, nonce, acknowledged| Sent {
        envelope: vec![0x54; MAX_TRANSACTION_BYTES].into(),
        acknowledged,
        ..sent(id, nonce)
    };
    let length = |entry: &Entry| entry.sent().map(|sent| sent.envelope.len());
    let mut journal = vec![Entry::Sent(largest("doubt", 1, false))];
    for (nonce, id) in (2..).zip(["a", "b", "c", "d", "e"]) {
        journal = with(journal, largest(id, nonce, true));
    }
    // Four of the largest fit beside it.
    let whole = Some(MAX_TRANSACTION_BYTES);
    let lengths: Vec<_> = journal.iter().map(length).collect();
    assert_eq!(lengths, vec![whole, Some(0), whole, whole, whole, whole]);
    assert!(keeps(&journal, &largest("doubt", 1, false)));
    assert!(
        !keeps(&journal, &largest("a", 2, true)),
        "its bytes are no longer there"
    );
}

#[test]
fn entries_of_other_versions_stay_and_a_broken_list_is_no_empty_one() {
    let text = r#"[{"id":"z","purpose":"gift"},{"id":"a","from":"0xA","nonce":3,"at":1,"purpose":"cancel","replaces":null,"envelope":"0x54","acknowledged":false}]"#;
    let journal = parsed(Some(text.to_owned())).unwrap();
    assert_eq!(nonces(&journal), vec![3]);
    let longer = with(journal.clone(), sent("b", 4));
    assert_eq!((longer.len(), &longer[0]), (3, &journal[0]));
    let written = serde_json::to_string(&longer).unwrap();
    assert!(written.starts_with(r#"[{"id":"z","purpose":"gift"},"#), "{written}");
    assert_eq!(parsed(Some("[{".to_owned())), Err(NotKept::Unreadable));
    assert_eq!(parsed(None), Ok(Vec::new()));
}

#[test]
fn without_a_storage_nothing_may_be_sent() {
    let none = NotKept::Storage("only a browser keeps something".to_owned());
    assert_eq!(add_alone("0x00", sent("a", 3)), Err(none));
}

#[test]
fn what_could_not_be_taken_off_the_list_is_open_as_the_list_has_it() {
    assert_eq!(open_unless_known(Err(NotKept::Unreadable)), Earlier::Open);
    for known in [Earlier::Never, Earlier::Open, Earlier::Accepted] {
        assert_eq!(open_unless_known(Ok(known)), known);
    }
}
