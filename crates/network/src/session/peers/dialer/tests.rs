//! Dials: of named addresses, of found ones, feelers.

use libp2p::multiaddr::Protocol;

use super::super::range::Exempt;
use super::*;

fn dials() -> Dialer {
    let exempt = Exempt::new(Vec::new(), false, Some("0.0.0.0:1".parse().unwrap()));
    Dialer::new(Book::new([7; 32], 1, exempt))
}

/// An address in a range of its own.
fn address(at: usize) -> Multiaddr {
    let (a, b) = (20 + at / 200, at % 200);
    format!("/ip4/{a}.{b}.8.8/tcp/9333/p2p/{}", PeerId::random())
        .parse()
        .unwrap()
}

#[test]
fn found_addresses_are_dialled_while_there_is_room_and_kept_ones_always() {
    let mut dials = dials();
    let kept = address(0);
    dials.keep(kept.clone(), 0);
    for at in 1..=20 {
        let one = address(at);
        assert!(dials.find(&one, &one, 0));
    }
    let due = dials.due(0, 0);
    assert_eq!((due.len(), &due[0].0), (1 + WANTED, &kept));
    assert_eq!(dials.due(0, 6).len(), 3);
    assert_eq!(dials.due(0, 20).len(), 1);
    // Those that are being dialled count, too.
    due[1..].iter().for_each(|(found, _)| dials.dialling(found));
    assert_eq!(dials.due(0, 0).len(), 1);
}

#[test]
fn a_range_has_one_slot_of_our_own_dialling() {
    let mut dials = dials();
    for at in 0..200 {
        let one: Multiaddr = format!("/ip4/66.6.{at}.1/tcp/9333/p2p/{}", PeerId::random())
            .parse()
            .unwrap();
        dials.find(&one, &one, 0);
    }
    let other = address(7);
    dials.find(&other, &other, 0);
    let due = dials.due(0, 0);
    assert_eq!(due.len(), 1 + WANTED_OF_A_RANGE, "{due:?}");
    assert!(due.iter().any(|(due, _)| *due == other));
    due.iter().for_each(|(found, _)| dials.dialling(found));
    assert!(dials.due(0, 0).is_empty());
    // The slot is free again once the dial has failed.
    let hostile = due
        .iter()
        .find(|(due, _)| *due != other)
        .map(|(due, _)| due.clone())
        .unwrap();
    assert_eq!(dials.failed(&hostile, 0), Some(FIRST_PAUSE_MS));
    assert_eq!(dials.due(0, 0).len(), 1);
}

#[test]
fn a_named_address_that_does_not_answer_is_dialled_ever_more_rarely() {
    let (mut dials, one, mut now) = (dials(), address(1), 0);
    dials.keep(one.clone(), now);
    let pauses: Vec<_> = (0..12)
        .map(|_| {
            assert_eq!(dials.due(now, 0).len(), 1);
            dials.dialling(&one);
            let pause = dials.failed(&one, now).unwrap();
            assert!(dials.due(now + pause - 1, 0).is_empty());
            now += pause;
            pause / 1_000
        })
        .collect();
    assert_eq!(pauses[..5], [1, 2, 4, 8, 16]);
    assert_eq!(pauses[11], 60);
}

#[test]
fn a_found_peer_that_ends_at_once_is_no_better_than_one_that_is_silent() {
    let (mut dials, one, mut now) = (dials(), address(1), 0);
    dials.find(&one, &one, now);
    let peer = name_in(&one).unwrap();
    let mut again = Vec::new();
    for lasts in [0, 0, 0, 61_000, 0] {
        assert_eq!(dials.due(now, 0), [(one.clone(), Some(peer))]);
        dials.dialling(&one);
        assert!(dials.connected(&one, peer));
        dials.greeted(&peer, now);
        assert!(dials.leads_to(&peer) && dials.due(now, 0).is_empty());
        now += lasts;
        dials.closed(&peer, now);
        let ended = now;
        while dials.due(now, 0).is_empty() {
            now += 1_000;
        }
        again.push((now - ended) / 1_000);
    }
    assert_eq!(again, [1, 2, 4, 1, 2]);
}

/// A connection alone shows no node of this chain: its other end may be silent, or of another one.
#[test]
fn an_address_has_answered_only_once_its_peer_has_sent_hello() {
    let (mut dials, found, kept) = (dials(), address(1), address(2));
    let [peer, kept_peer] = [&found, &kept].map(|one| name_in(one).unwrap());
    dials.find(&found, &found, 0);
    dials.keep(kept.clone(), 0);
    let tried = |dials: &Dialer| dials.book().tried().cloned().collect::<BTreeSet<_>>();
    // Held for longer than a good conversation lasts, and silent all the time.
    for (round, now) in [0, 200_000, 400_000].into_iter().enumerate() {
        for (address, of) in dials.due(now, 0) {
            dials.dialling(&address);
            assert!(dials.connected(&address, of.unwrap()));
        }
        assert!(dials.leads_to(&peer) && dials.leads_to(&kept_peer));
        assert_eq!((tried(&dials), dials.best()), (BTreeSet::new(), Vec::new()));
        let end = now + 2 * GOOD_MS;
        dials.closed(&peer, end);
        dials.closed(&kept_peer, end);
        // Each time a longer pause, as after no answer.
        let pause = FIRST_PAUSE_MS << round;
        assert_eq!(dials.due(end + pause - 1, 0), []);
        assert_eq!(dials.due(end + pause, 0).len(), 2);
    }
    for (address, of) in dials.due(600_000, 0) {
        dials.dialling(&address);
        assert!(dials.connected(&address, of.unwrap()));
        dials.greeted(&of.unwrap(), 600_000);
    }
    assert_eq!(tried(&dials), BTreeSet::from([found.clone(), kept]));
    assert_eq!(dials.best(), [found]);
}

#[test]
fn anchors_are_the_longest_conversations_and_are_dialled_first() {
    let mut before = dials();
    let all: Vec<_> = (1..=6).map(address).collect();
    for (at, one) in all.iter().enumerate() {
        before.find(one, one, 0);
        before.dialling(one);
        let peer = name_in(one).unwrap();
        assert!(before.connected(one, peer));
        before.greeted(&peer, at as u64);
    }
    let anchors = before.best();
    assert_eq!(anchors, all[..MAX_ANCHORS]);
    let mut after = dials();
    for at in 10..110 {
        let one = address(at);
        after.find(&one, &one, 0);
    }
    anchors.iter().for_each(|anchor| after.anchor(anchor.clone(), 0));
    let due: BTreeSet<_> = after.due(0, 0).into_iter().map(|(address, _)| address).collect();
    assert_eq!(due.len(), WANTED);
    assert!(anchors.iter().all(|anchor| due.contains(anchor)), "{due:?}");
}

#[test]
fn feelers_try_new_addresses_one_every_two_minutes_while_all_slots_are_taken() {
    let mut dials = dials();
    let new: Vec<_> = (1..=3).map(address).collect();
    for one in &new {
        assert!(dials.find(one, one, 0));
    }
    assert_eq!(dials.feeler(FEELER_MS, WANTED - 1), None, "others are dialled anyway");
    assert_eq!(dials.feeler(FEELER_MS - 1, WANTED), None);
    let mut now = FEELER_MS;
    let first = dials.feeler(now, WANTED).unwrap();
    assert!(new.contains(&first));
    assert_eq!(dials.feeler(now + FEELER_MS, WANTED), None, "one at a time");
    assert!(dials.felt(&first, now) && !dials.felt(&first, now));
    assert_eq!(dials.book().tried().collect::<Vec<_>>(), [&first]);
    assert!(!dials.leads_to(&name_in(&first).unwrap()), "no conversation begins");
    assert!(dials.best().is_empty());

    assert_eq!(dials.feeler(now + FEELER_MS - 1, WANTED), None);
    now += FEELER_MS;
    let second = dials.feeler(now, WANTED).unwrap();
    assert_ne!(second, first, "that one is tried already");
    assert_eq!(dials.failed(&second, now), Some(FIRST_PAUSE_MS));
    assert_eq!(dials.failed(&second, now), None, "it is no dial any more");
    assert_eq!(dials.book().tried().count(), 1);
    // What was felt is there when a slot is free.
    let due = dials.due(now, 0);
    assert!(due.iter().any(|(due, _)| *due == first), "{due:?}");
}

/// All of one range: its buckets of tried addresses are full before all of them are felt.
#[test]
fn what_was_felt_and_found_no_room_is_not_felt_again_before_the_others() {
    let mut dials = dials();
    let all: Vec<Multiaddr> = (0..40)
        .map(|at| {
            format!("/ip4/66.6.8.{at}/tcp/9333/p2p/{}", PeerId::random())
                .parse()
                .unwrap()
        })
        .collect();
    for (at, one) in all.iter().enumerate() {
        // Each of another source, so that all have room among the new ones.
        assert!(dials.find(one, &address(at), 0));
    }
    let mut felt = BTreeSet::new();
    for round in 1..=all.len() as u64 {
        let now = round * FEELER_MS;
        let one = dials.feeler(now, WANTED).unwrap();
        assert!(dials.felt(&one, now));
        assert!(felt.insert(one), "felt twice in {round} rounds");
    }
    assert!(dials.book().tried().count() < all.len(), "not all have room");
    assert_eq!(
        dials.feeler(100 * FEELER_MS, WANTED),
        None,
        "nothing is left to find out"
    );
}

#[test]
fn a_feeler_takes_no_slot_and_no_named_address() {
    let mut dials = dials();
    let (kept, new) = (address(1), address(2));
    dials.keep(kept.clone(), 0);
    dials.dialling(&kept);
    assert_eq!(dials.feeler(FEELER_MS, WANTED), None, "there is no new address");
    assert!(dials.find(&new, &new, 0));
    let felt = dials.feeler(2 * FEELER_MS, WANTED);
    assert_eq!(felt, Some(new));
    for at in 10..30 {
        let one = address(at);
        dials.find(&one, &one, 0);
    }
    assert_eq!(dials.due(2 * FEELER_MS, 0).len(), WANTED);
}

#[test]
fn what_the_operator_names_while_it_is_felt_is_no_feeler_any_more() {
    let (mut dials, one, other) = (dials(), address(1), address(2));
    assert!(dials.find(&one, &one, 0));
    assert_eq!(dials.feeler(FEELER_MS, WANTED), Some(one.clone()));
    dials.keep(one.clone(), FEELER_MS);
    assert!(!dials.is_feeler(&one));
    // The feeler's dial fails: the address is dialled again soon, and others are felt.
    let pause = dials.failed(&one, FEELER_MS).unwrap();
    let due = dials.due(FEELER_MS + pause, WANTED);
    assert_eq!(due, [(one.clone(), name_in(&one))]);
    dials.dialling(&one);
    assert!(dials.connected(&one, name_in(&one).unwrap()));
    assert!(dials.leads_to(&name_in(&one).unwrap()));
    assert!(dials.find(&other, &other, 0));
    assert_eq!(dials.feeler(2 * FEELER_MS, WANTED), Some(other));
}

#[test]
fn a_peer_is_where_it_comes_from_and_where_the_operator_named_it() {
    let mut dials = dials();
    let at = |text: &str| text.parse::<Multiaddr>().unwrap();
    let remote = at("/ip4/8.8.8.8/tcp/50000");
    assert!(dials.is_at(&at("/ip4/8.8.8.8/tcp/9333"), Some(&remote)));
    assert!(dials.is_at(&at("/ip4/8.8.8.8/udp/9333/quic-v1"), Some(&remote)));
    let elsewhere = at("/ip4/9.9.9.9/tcp/9333");
    assert!(!dials.is_at(&elsewhere, Some(&remote)) && !dials.is_at(&elsewhere, None));
    let by_name = at("/dns/node.example/tcp/9333");
    assert!(!dials.is_at(&by_name, Some(&by_name)), "a name is no host");
    for one in [elsewhere, by_name] {
        dials.keep(one.clone(), 0);
        assert!(dials.is_at(&one, Some(&remote)), "{one}");
    }
}

#[test]
fn what_is_forgotten_is_not_dialled() {
    let (mut dials, one, two) = (dials(), address(1), address(2));
    dials.keep(one.clone(), 0);
    dials.find(&two, &two, 0);
    assert!(dials.is_kept(&name_in(&one).unwrap()));
    assert_eq!(dials.kept_hosts(), [host_of(&one).unwrap()]);
    dials.forget(&name_in(&one).unwrap());
    dials.drop_address(&two);
    assert!(dials.kept_hosts().is_empty());
    assert!(dials.due(0, 0).is_empty());
}

#[test]
fn what_the_operator_removes_while_it_is_felt_or_an_anchor_does_not_come_back() {
    let (mut dials, one, two) = (dials(), address(1), address(2));
    dials.anchor(two.clone(), 0);
    assert!(dials.find(&one, &one, 0));
    assert_eq!(dials.feeler(FEELER_MS, WANTED), Some(one.clone()));
    for address in [&one, &two] {
        dials.forget(&name_in(address).unwrap());
    }
    assert!(!dials.is_feeler(&one));
    // Its answer comes later.
    assert!(!dials.felt(&one, FEELER_MS));
    assert_eq!(dials.failed(&one, FEELER_MS), None);
    assert!(dials.book().is_empty());
    assert!(dials.due(FEELER_MS, 0).is_empty());
    // Others are felt in its place.
    let other = address(3);
    assert!(dials.find(&other, &other, FEELER_MS));
    assert_eq!(dials.feeler(2 * FEELER_MS, WANTED), Some(other));
}

/// The addresses do not name their peer: in the first story a dial has shown it before, in the second only the dial that is
/// under way does.
#[test]
fn what_the_operator_removes_while_a_nameless_address_of_it_is_dialled_does_not_come_back() {
    for known in [true, false] {
        let (mut dials, one, peer) = (dials(), place_of(&address(1)), PeerId::random());
        dials.keep(one.clone(), 0);
        if known {
            dials.dialling(&one);
            assert!(dials.connected(&one, peer));
            dials.closed(&peer, 0);
        }
        dials.dialling(&one);
        dials.forget(&peer);
        assert!(!dials.connected(&one, peer), "it leads to the peer that was removed");
        dials.greeted(&peer, 1);
        assert!(!dials.leads_to(&peer) && dials.book().is_empty());
        assert_eq!((dials.due(FEELER_MS, 0), dials.kept_hosts()), (Vec::new(), Vec::new()));
        // The operator names it again.
        dials.keep(one.clone(), 2);
        assert_eq!(dials.due(2, 0), [(one.clone(), None)]);
        dials.dialling(&one);
        assert!(dials.connected(&one, peer) && dials.leads_to(&peer));
    }
}

#[test]
fn a_nameless_address_stays_where_another_peer_than_the_removed_one_is_at_it() {
    let (mut dials, one, two) = (dials(), place_of(&address(1)), place_of(&address(2)));
    let [removed, other] = [PeerId::random(), PeerId::random()];
    for address in [&one, &two] {
        dials.keep(address.clone(), 0);
        dials.dialling(address);
    }
    dials.forget(&removed);
    assert!(dials.connected(&one, other) && dials.is_kept(&other));
    // Named again, by an address that names it: the last command counts.
    dials.keep(two.clone().with(Protocol::P2p(removed)), 1);
    assert!(dials.connected(&two, removed));
}

/// A name of several hosts, of which one was removed: whenever it is the one that answers, the others stay within reach.
#[test]
fn a_removed_peer_behind_a_name_of_several_takes_none_of_the_others_with_it() {
    let [removed, other] = [PeerId::random(), PeerId::random()];
    let seeds: Multiaddr = "/dns4/seeds.example/tcp/9333".parse().unwrap();
    // Before any dial has shown a peer there, and after one has.
    for other_first in [false, true] {
        let mut dials = dials();
        dials.keep(seeds.clone(), 0);
        dials.dialling(&seeds);
        if other_first {
            assert!(dials.connected(&seeds, other));
        }
        dials.forget(&removed);
        if other_first {
            dials.closed(&other, 0);
            dials.dialling(&seeds);
        }
        assert!(!dials.connected(&seeds, removed));
        let pause = dials.failed(&seeds, 1).unwrap();
        assert!(!dials.leads_to(&removed) && !dials.is_kept(&removed));
        let now = 1 + pause;
        assert_eq!(dials.due(now - 1, 0), []);
        assert_eq!(dials.due(now, 0), [(seeds.clone(), other_first.then_some(other))]);
        // The next time the other one answers, and the one that was removed still has no way back.
        dials.dialling(&seeds);
        assert!(dials.connected(&seeds, other) && dials.leads_to(&other));
        dials.closed(&other, now);
        dials.dialling(&seeds);
        assert!(!dials.connected(&seeds, removed) && dials.failed(&seeds, now).is_some());
    }
}

/// The same of an IP address, once another peer has been there.
#[test]
fn a_removed_peer_at_the_address_of_another_one_does_not_drop_it() {
    let (mut dials, one) = (dials(), place_of(&address(1)));
    let [removed, other] = [PeerId::random(), PeerId::random()];
    dials.keep(one.clone(), 0);
    dials.dialling(&one);
    assert!(dials.connected(&one, other));
    dials.forget(&removed);
    dials.closed(&other, 0);
    dials.dialling(&one);
    assert!(!dials.connected(&one, removed));
    assert!(dials.failed(&one, 0).is_some() && dials.keeps(&one));
}

/// Its last known peer is removed while it is dialled: what the dial leads to decides.
#[test]
fn a_nameless_address_whose_peer_is_removed_while_it_is_dialled_stays_where_another_one_answers() {
    let [removed, other] = [PeerId::random(), PeerId::random()];
    for one in [place_of(&address(1)), "/dns4/node.example/tcp/9333".parse().unwrap()] {
        for answers in [Some(other), Some(removed), None] {
            let mut dials = dials();
            dials.keep(one.clone(), 0);
            dials.dialling(&one);
            assert!(dials.connected(&one, removed));
            dials.closed(&removed, 0);
            dials.dialling(&one);
            dials.forget(&removed);
            assert!(!dials.is_kept(&removed) && dials.kept_hosts().is_empty());
            let stays = answers == Some(other);
            match answers {
                Some(peer) => assert_eq!(dials.connected(&one, peer), stays),
                None => assert_eq!(dials.failed(&one, 1), None),
            }
            assert_eq!((dials.keeps(&one), dials.is_kept(&other)), (stays, stays));
            assert_eq!(dials.kept_hosts().len(), usize::from(stays && host_of(&one).is_some()));
        }
    }
}
