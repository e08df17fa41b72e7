//! Templates: a miner of what was handed out on the present tip gets the block, no matter what others request.

mod support;

use std::net::{IpAddr, Ipv4Addr};

use support::{HandClock, call, clock, open, open_at, payment, spec, submit};
use tally_chain::pow::Search;
use tally_chain::{Address, UnixSecs};
use tally_node::{CheckpointConfig, Imported, MiningJob, Node, NotReady, TemplateError, Work, WorkError};

const HONEST: Address = Address::repeat_byte(0x11);

fn client(n: u32) -> Option<IpAddr> {
    Some(Ipv4Addr::from_bits(0x0a00_0000 + n).into())
}

fn sealed(job: &MiningJob) -> Work {
    let mut header = job.header;
    let nonce = loop {
        match Search::new(&header, job.target).scan(0, 1 << 20) {
            Some(nonce) => break nonce,
            None => header.time += 1,
        }
    };
    Work {
        template: job.id,
        extra_nonce: [0; 8],
        time: header.time,
        nonce,
    }
}

fn is_tip(node: &Node, work: &Work) -> bool {
    matches!(node.submit_work(work).unwrap(), Imported::Tip(_))
}

#[test]
fn thousands_of_requests_neither_assemble_nor_evict() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let node = open(folder.path(), &clock).unwrap();
    let honest = sealed(&node.template_for(HONEST, client(0)).unwrap());
    for n in 0..5_000_u32 {
        let producer = Address::left_padding_from(&(n + 1).to_be_bytes());
        node.template_for(producer, client(1 + n / 1_000)).unwrap();
    }
    assert_eq!(node.templates_assembled(), 1);
    // The same template again, not a new one.
    assert_eq!(node.template_for(HONEST, client(0)).unwrap().id, honest.template);
    assert!(is_tip(&node, &honest));
    // Late, with the reason: its tip is one of the last few, so it is looked at, and its block is known by now.
    assert!(matches!(node.submit_work(&honest), Ok(Imported::Known { .. })));
}

#[test]
fn a_client_and_all_clients_have_a_bound_and_others_go_on() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let node = open(folder.path(), &clock).unwrap();
    let address = |n: u32| Address::left_padding_from(&(n + 1).to_be_bytes());
    let first = node.template_for(address(0), client(1)).unwrap().id;
    for n in 1..1_024 {
        node.template_for(address(n), client(1)).unwrap();
    }
    let full = node.template_for(address(2_000), client(1)).err();
    assert!(
        matches!(full, Some(TemplateError::TooManyProducers { max: 1_024 })),
        "{full:?}"
    );
    assert_eq!(node.template_for(address(0), client(1)).unwrap().id, first);
    node.template_for(HONEST, client(2)).unwrap();
}

#[test]
fn all_the_room_of_a_tip_is_not_enough_to_turn_a_newcomer_away() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let node = open(folder.path(), &clock).unwrap();
    let address = |n: u32| Address::left_padding_from(&(n + 1).to_be_bytes());
    for n in 0..16 * 1_024 {
        node.template_for(address(n), client(n / 1_024)).unwrap();
    }
    node.template_for(HONEST, client(99)).unwrap();
    let second = node.template_for(address(20_000), client(99)).err();
    assert!(
        matches!(second, Some(TemplateError::TooManyProducers { max: 16_384 })),
        "{second:?}"
    );
}

#[test]
fn the_transactions_are_chosen_once_a_second_and_rarer_the_longer_a_block_takes() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let node = open(folder.path(), &clock).unwrap();
    let first = node.template(HONEST).unwrap();
    for _ in 0..2_000 {
        clock.advance(1);
        let job = node.template(HONEST).unwrap();
        assert_eq!(
            u64::from(job.header.time),
            clock.now(),
            "the time goes on with the clock"
        );
    }
    let made = node.templates_assembled();
    assert!((20..120).contains(&made), "{made}");
    assert!(
        is_tip(&node, &sealed(&first)),
        "the first template of a tip is as good as the last"
    );
}

#[test]
fn an_old_and_an_unknown_template_are_distinguished() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let node = open(folder.path(), &clock).unwrap();
    let old = sealed(&node.template(HONEST).unwrap());
    for _ in 0..6 {
        clock.advance(1);
        assert!(is_tip(&node, &sealed(&node.template(HONEST).unwrap())));
    }
    let error = node.submit_work(&old).unwrap_err();
    assert!(
        matches!(error, WorkError::StaleTemplate { template, height } if template == old.template && height.0 == 6),
        "{error}"
    );
    let unknown = Work {
        template: 1 << 40,
        ..old
    };
    let error = node.submit_work(&unknown).unwrap_err();
    assert!(
        matches!(error, WorkError::UnknownTemplate { template } if template == 1 << 40),
        "{error}"
    );
}

/// Any block on genesis would be the end of it: a node with blocks begins with no state any more.
#[test]
fn nothing_is_mined_while_a_state_to_begin_with_is_awaited() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let config = CheckpointConfig {
        begin: true,
        ..CheckpointConfig::default()
    };
    let node = open_at(folder.path(), &clock, 100, config).unwrap();
    let error = node.template_for(HONEST, client(1)).unwrap_err();
    assert!(matches!(error, TemplateError::AwaitsState), "{error}");
    assert!(node.awaits_checkpoint());
}

#[test]
fn nothing_is_mined_before_genesis() {
    let genesis = u64::from(spec().genesis_time);
    let (folder, clock) = (tempfile::tempdir().unwrap(), HandClock::at(genesis - 100));
    let node = open(folder.path(), &clock).unwrap();
    assert_eq!(node.begins(), Some(UnixSecs(genesis)));
    let error = node.template(HONEST).unwrap_err();
    assert!(
        matches!(error, TemplateError::NotBegun { begins } if begins.0 == genesis),
        "{error}"
    );
    let begins_at = UnixSecs(genesis);
    assert_eq!(node.health().reasons, [NotReady::NotBegun { begins_at }]);
    clock.advance(100);
    assert_eq!(node.begins(), None);
    assert!(node.health().is_ready());
    assert!(is_tip(&node, &sealed(&node.template(HONEST).unwrap())));
}

#[test]
fn a_header_time_that_its_transactions_do_not_allow_is_named() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let node = open(folder.path(), &clock).unwrap();
    submit(&node, payment(&node, 0, 0, HONEST, 1));
    let job = node.template(HONEST).unwrap();
    assert_eq!(
        (job.transactions.len(), u64::from(job.latest_time)),
        (1, clock.now() + 86_400)
    );
    let late = Work {
        time: job.latest_time + 1,
        ..sealed(&job)
    };
    let error = node.submit_work(&late).unwrap_err();
    let named =
        matches!(error, WorkError::TimeTooLate { time, latest } if time == latest + 1 && latest == job.latest_time);
    assert!(named, "{error}");
    assert!(is_tip(&node, &sealed(&job)));
}

#[test]
fn what_looks_at_the_producer_is_mined_too_and_floods_no_node() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let node = open(folder.path(), &clock).unwrap();
    // A creation whose initcode keeps the producer: SSTORE(0, COINBASE).
    submit(&node, call(&node, 0, 0, None, &[0x41, 0x5f, 0x55]));
    let producer = |n: u32| Address::left_padding_from(&(n + 1).to_be_bytes());
    let jobs: Vec<_> = (0..100)
        .map(|n| node.template_for(producer(n), client(1)).unwrap())
        .collect();
    let with: Vec<_> = jobs.iter().map(|job| job.transactions.len()).collect();
    assert_eq!(with[..16], [1; 16], "as many as may have a block of their own");
    assert_eq!(with[16..], [0; 84], "the others share one");
    assert_eq!(node.templates_assembled(), 17);
    assert_eq!(node.template(producer(0)).unwrap().id, jobs[0].id);
    assert!(is_tip(&node, &sealed(&jobs[99])));
    clock.advance(1);
    let job = node.template(HONEST).unwrap();
    assert_eq!(job.transactions.len(), 1);
    assert!(is_tip(&node, &sealed(&job)));
}

#[test]
fn no_client_takes_all_the_blocks_that_suit_one_producer() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let node = open(folder.path(), &clock).unwrap();
    submit(&node, call(&node, 0, 0, None, &[0x41, 0x5f, 0x55]));
    // Each client requests as many as it can get, with addresses that no other client has.
    let taken = |clients: std::ops::Range<u32>| -> Vec<usize> {
        let of = |client_number: u32| -> usize {
            let producer = |n: u32| Address::left_padding_from(&(1_000 * client_number + n + 1).to_be_bytes());
            let job = |n| node.template_for(producer(n), client(client_number)).unwrap();
            (0..40).map(|n| job(n).transactions.len()).sum()
        };
        clients.map(of).collect()
    };
    assert_eq!(taken(0..8), [16, 8, 4, 2, 1, 1, 0, 0]);
    assert_eq!(node.templates_assembled(), 33, "no more than before in all");
}
