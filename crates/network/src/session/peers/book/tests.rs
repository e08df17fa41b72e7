//! The address book: buckets, what gives way, what is drawn.

use super::*;

fn book() -> Book {
    Book::new(
        [7; 32],
        1,
        Exempt::new(Vec::new(), false, Some("0.0.0.0:1".parse().unwrap())),
    )
}

fn address(a: u8, b: u8, c: usize) -> Multiaddr {
    format!("/ip4/{a}.{b}.{}.{}/tcp/9333", c / 256, c % 256)
        .parse()
        .unwrap()
}

#[test]
fn one_source_fills_a_few_buckets_whatever_it_announces() {
    let mut book = book();
    let source = address(66, 6, 1);
    let taken = (0..20_000_usize)
        .filter(|at| book.add(&address(20 + (at % 200) as u8, (at / 200) as u8, *at), &source, 0))
        .count();
    assert!(taken <= BUCKETS_OF_A_SOURCE as usize * NEW_BUCKET, "{taken}");
    assert_eq!(book.len(), taken);
    assert!(book.add(&address(8, 8, 8), &address(8, 8, 8), 0), "others have room");
}

#[test]
fn one_range_fills_a_few_buckets_even_if_all_of_it_answers() {
    let mut book = book();
    for at in 0..5_000 {
        let one = address(66, 6, at);
        book.add(&one, &one, 0);
        book.answered(&one, 0);
    }
    let tried = book.tried().count();
    assert!(tried <= BUCKETS_OF_A_RANGE as usize * TRIED_BUCKET, "{tried}");
    assert!(book.len() <= tried + NEW_BUCKET);
}

#[test]
fn many_names_at_one_place_are_one_address() {
    let mut book = book();
    let place = address(8, 8, 8);
    let first = place.clone().with(Protocol::P2p(PeerId::random()));
    assert!(book.add(&first, &place, 0));
    for _ in 0..100 {
        book.add(&place.clone().with(Protocol::P2p(PeerId::random())), &place, 0);
    }
    assert_eq!((book.len(), book.draw(0, |_, _| true)), (1, Some(first.clone())));
    // Once it failed, another name may stand there.
    book.failed(&first, 0);
    let second = place.clone().with(Protocol::P2p(PeerId::random()));
    book.add(&second, &place, 0);
    assert_eq!(book.draw(FIRST_PAUSE_MS, |_, _| true), Some(second));
}

#[test]
fn an_address_that_does_not_answer_is_dialled_ever_more_rarely() {
    let (mut book, one) = (book(), address(8, 8, 8));
    book.add(&one, &one, 0);
    let mut now = 0;
    let pauses: Vec<_> = (0..12)
        .map(|_| {
            assert_eq!(book.draw(now, |_, _| true).as_ref(), Some(&one));
            let pause = book.failed(&one, now).unwrap();
            assert_eq!(book.draw(now + pause - 1, |_, _| true), None);
            now += pause;
            pause / 1_000
        })
        .collect();
    assert_eq!(pauses[..5], [1, 2, 4, 8, 16]);
    assert_eq!(pauses[11], MAX_PAUSE_MS / 1_000);
    book.lasted(&one, now);
    assert_eq!(book.draw(now + FIRST_PAUSE_MS, |_, _| true), Some(one.clone()));
    assert_eq!(book.failed(&one, now), Some(2 * FIRST_PAUSE_MS));
}

#[test]
fn what_answered_gives_way_once_it_failed_and_not_because_a_good_conversation_ended() {
    let mut book = book();
    // More of one range than its buckets take.
    let all_answer = |book: &mut Book| {
        for at in 0..1_000 {
            book.answered(&address(66, 6, at), 0);
        }
    };
    let tried = |book: &Book| -> BTreeSet<Multiaddr> { book.tried().cloned().collect() };
    all_answer(&mut book);
    let first = tried(&book);
    first.iter().for_each(|one| book.lasted(one, 0));
    all_answer(&mut book);
    assert_eq!(tried(&book), first);
    let fail_then = |book: &mut Book, comes_back: bool| {
        first.iter().for_each(|one| assert!(book.failed(one, 0).is_some()));
        // A line that was down for a while may be up again.
        let back = first.iter().filter(|_| comes_back);
        back.for_each(|one| book.answered(one, 0));
        let all = (0..1_000).map(|at| address(66, 6, at));
        let others = all.filter(|one| !first.contains(one));
        others.for_each(|one| book.answered(&one, 0));
    };
    fail_then(&mut book, true);
    assert_eq!(tried(&book), first);
    fail_then(&mut book, false);
    assert_ne!(tried(&book), first);
}

#[test]
fn few_addresses_of_many_ranges_are_drawn_as_often_as_many_of_few() {
    let mut book = book();
    for at in 0..1_000 {
        let hostile = address(60 + (at % 4) as u8, 6, at);
        book.add(&hostile, &hostile, 0);
    }
    // One may find its bucket full of the others.
    let added = (0..8).filter(|at| {
        let honest = address(100 + at, 1, 1);
        book.add(&honest, &honest, 0)
    });
    let added = added.count();
    assert!(added >= 6, "{added}");
    let honest = (0..1_000)
        .filter(|_| {
            let drawn = book.draw(0, |_, _| true).unwrap();
            host_of(&drawn).is_some_and(|host| host.to_string().starts_with("10"))
        })
        .count();
    // Eight of twelve buckets, or fewer where two share one.
    assert!((500..=800).contains(&honest), "{honest}");
}

#[test]
fn what_failed_gives_way_and_what_answered_does_not() {
    let mut book = book();
    let source = address(66, 6, 1);
    // All of one range from one source: one bucket.
    let all: Vec<_> = (0..=NEW_BUCKET).map(|at| address(8, 8, at)).collect();
    for one in &all[..NEW_BUCKET] {
        assert!(book.add(one, &source, 0));
    }
    assert!(!book.add(&all[NEW_BUCKET], &source, 0));
    for _ in 0..MAX_FAILURES {
        book.failed(&all[3], 0);
    }
    assert!(book.add(&all[NEW_BUCKET], &source, 0));
    assert_eq!(book.failed(&all[3], 0), None, "it is gone");
    book.forget(&PeerId::random());
    assert_eq!(book.len(), NEW_BUCKET);
}
