use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use tally_chain::hash::sha256;
use tally_chain::pow::Search;
use tally_chain::transaction::{Authenticator, Payload, TallyTransaction};
use tally_chain::{ChainSpec, Header, Height, UnixSecs};
use tally_testkit::keys;

use super::*;
use crate::config::NodeConfig;
use crate::mempool::{PoolView, gather};
use crate::miner::{MiningJob, Solved};
use crate::pipeline::Imported;
use crate::templates::{TemplateError, Work};
use crate::verifier::fixture::Signer;

/// A node on the test chain, and a clock that only the test moves.
struct Member {
    node: Node,
    clock: Arc<AtomicU64>,
    _dir: tempfile::TempDir,
}

impl Member {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let spec = ChainSpec::built_in("test").unwrap();
        let clock = Arc::new(AtomicU64::new(u64::from(spec.genesis_time) + 1_000));
        let (node, clock) = (open(dir.path(), spec, clock.clone()), clock);
        Self { node, clock, _dir: dir }
    }

    fn mine(&self, producer: Address) {
        self.clock.fetch_add(1, SeqCst);
        let job = self.node.template(producer).unwrap();
        let header = sealed(&job);
        let work = Work {
            template: job.id,
            extra_nonce: [0; 8],
            time: header.time,
            nonce: header.nonce,
        };
        self.node.submit_work(&work).unwrap();
    }

    /// The encoded block at this height.
    fn block(&self, height: u64) -> Bytes {
        let snapshot = &self.node.tip().snapshot;
        let id = snapshot.id_at(Height(height)).unwrap().unwrap();
        snapshot.block_bytes(&id).unwrap().unwrap()
    }

    fn payment(&self, signer: &Signer, nonce: u64) -> Bytes {
        self.pay(signer, nonce, Address::repeat_byte(7), 1)
    }

    fn pay(&self, signer: &Signer, nonce: u64, to: Address, base_units: u64) -> Bytes {
        self.offer(signer, nonce, to, base_units, 1_000_000_000)
    }

    fn offer(&self, signer: &Signer, nonce: u64, to: Address, base_units: u64, max_priority_fee: u128) -> Bytes {
        let chain = self.node.identity();
        let payload = Payload {
            max_priority_fee,
            max_fee: 3 * max_priority_fee,
            ..keys::payment(&chain, nonce, self.node.now(), to, base_units)
        };
        let message = payload.signed_message(&chain.genesis, &signer.address);
        let (public_key, signature) = signer.sign_digest(&sha256(&[&message]).0);
        let authenticator = Authenticator::Secp256k1 { public_key, signature };
        TallyTransaction { payload, authenticator }.encode().into()
    }

    fn is_stored(&self, id: TxId) -> bool {
        self.node.keeper().writer().flush().unwrap();
        let stored = self.node.store().snapshot().pool().unwrap();
        stored.iter().any(|(stored, _)| *stored == id)
    }
}

fn open(dir: &Path, spec: ChainSpec, clock: Arc<AtomicU64>) -> Node {
    let config = NodeConfig {
        max_reorg_depth: 100,
        ..NodeConfig::new(dir.to_owned(), spec)
    };
    Node::open(config, Arc::new(move || UnixSecs(clock.load(SeqCst)))).unwrap()
}

/// The job's header with a nonce that meets its target, at the job's time or later.
fn sealed(job: &MiningJob) -> Header {
    let mut header = job.header;
    loop {
        if let Some(nonce) = Search::new(&header, job.target).scan(0, 1 << 20) {
            return Header { nonce, ..header };
        }
        header.time += 1;
    }
}

/// An envelope as this member's own checker has checked it.
fn checked(member: &Member, envelope: Bytes) -> CheckedTransaction {
    let raw = RawTransaction::decode(envelope).unwrap();
    member.node.checker().check_one(raw).unwrap()
}

/// A node whose last block, with a payment in it, a reorg has undone; what the reorg did, and the payment.
fn reorged() -> (Member, Advance, TxId) {
    let (left, right, signer) = (Member::new(), Member::new(), Signer::new(1));
    left.mine(signer.address);
    right.node.import_block(&left.block(1)).unwrap();
    let id = left.node.submit(left.payment(&signer, 0)).unwrap().id;
    left.mine(Address::repeat_byte(1));
    right.clock.store(left.clock.load(SeqCst), SeqCst);
    for _ in 0..2 {
        right.mine(Address::repeat_byte(2));
    }
    left.clock.store(right.clock.load(SeqCst), SeqCst);
    left.node.import_block(&right.block(2)).unwrap();
    let Imported::Tip(advance) = left.node.import_block(&right.block(3)).unwrap() else {
        panic!("the right branch has more work")
    };
    assert_eq!(advance.undone.len(), 1);
    assert!(left.is_stored(id));
    (left, advance, id)
}

/// A payment that is written while a block includes it is removed from the stored pool afterwards. Where a reorg undoes the
/// block before that, the removal must not be the last word.
#[test]
fn what_a_reorg_returned_stays_in_the_stored_pool_whatever_was_on_its_way_to_the_disk() {
    let (left, advance, id) = reorged();
    // As it is when the removal is written between the reorg's batch and what follows it.
    left.node.pool().lock().remove(&id);
    left.node.keeper().writer().remove([id]);
    assert!(!left.is_stored(id));
    let dropped = left.node.update_mempool(&advance, &left.node.tip());
    assert!(dropped.is_empty(), "{dropped:?}");
    assert!(left.is_stored(id));
    assert!(left.node.with_pool(|pool| pool.contains(&id)));
}

/// The write of a payment ends right after the batch of the block that has it.
#[test]
fn a_write_that_ends_after_a_blocks_own_batch_leaves_nothing_in_the_stored_pool() {
    let (left, right, signer) = (Member::new(), Member::new(), Signer::new(1));
    left.mine(signer.address);
    right.node.import_block(&left.block(1)).unwrap();
    let envelope = left.payment(&signer, 0);
    let id = left.node.submit(envelope.clone()).unwrap().id;
    left.mine(Address::repeat_byte(1));
    right.clock.store(left.clock.load(SeqCst), SeqCst);
    let (block, writer) = (left.block(2), right.node.keeper().writer());
    let imported = right.node.import(0, |pipeline, now| {
        let imported = pipeline.import_block(&block, now);
        writer.add(id, envelope, &[]);
        writer.flush().unwrap();
        imported
    });
    assert!(matches!(imported, Ok(Imported::Tip(_))), "{imported:?}");
    assert!(right.node.tip().snapshot.place(&id).unwrap().is_some());
    assert!(!right.is_stored(id));
}

/// It is in the pool and in no block, then in a block and not in the pool: a reader that looks into one after the other may come
/// in between.
#[test]
fn an_acknowledged_payment_is_never_missing_while_a_block_takes_it() {
    let (left, signer) = (Member::new(), Signer::new(1));
    left.mine(signer.address);
    for nonce in 0..60 {
        let id = left.node.submit(left.payment(&signer, nonce)).unwrap().id;
        let mined = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !mined.load(SeqCst) {
                    let (tip, located) = left.node.transaction(&id).unwrap();
                    let located = located.expect("it was acknowledged");
                    assert_eq!(located.included.is_some(), tip.snapshot.place(&id).unwrap().is_some());
                }
            });
            left.mine(Address::repeat_byte(1));
            mined.store(true, SeqCst);
        });
    }
}

/// The coins of the second payment came with the first one, whose block is undone, too: neither is in conflict with anything.
#[test]
fn a_payment_out_of_coins_that_a_reorg_took_back_waits_for_them() {
    let (left, right) = (Member::new(), Member::new());
    let (payer, receiver) = (Signer::new(1), Signer::new(2));
    left.mine(payer.address);
    right.node.import_block(&left.block(1)).unwrap();
    let coins = left.pay(&payer, 0, receiver.address, 1_000_000_000_000_000);
    let first = left.node.submit(coins).unwrap().id;
    left.mine(Address::repeat_byte(1));
    let second = left.node.submit(left.payment(&receiver, 0)).unwrap().id;
    left.mine(Address::repeat_byte(1));
    right.clock.store(left.clock.load(SeqCst), SeqCst);
    for _ in 0..3 {
        right.mine(Address::repeat_byte(2));
    }
    left.clock.store(right.clock.load(SeqCst), SeqCst);
    for height in 2..=4 {
        left.node.import_block(&right.block(height)).unwrap();
    }
    let pending = |id| left.node.with_pool(|pool| Some(pool.entry(&id)?.is_pending()));
    assert_eq!((pending(first), pending(second)), (Some(true), Some(false)));
    assert!(left.is_stored(first) && left.is_stored(second));
    // The next start does not give it up either.
    let min_base_fee = left.node.spec().fees.min_base_fee.into();
    *left.node.pool().lock() = Mempool::new(crate::mempool::MempoolConfig::default(), min_base_fee);
    left.node.restore_pool().unwrap();
    assert_eq!((pending(first), pending(second)), (Some(true), Some(false)));
    assert!(left.is_stored(first) && left.is_stored(second));
    left.node.templates().pool_changed();
    for _ in 0..2 {
        left.mine(Address::repeat_byte(1));
    }
    assert_eq!((pending(first), pending(second)), (None, None));
    for id in [first, second] {
        assert!(left.node.tip().snapshot.place(&id).unwrap().is_some());
    }
}

#[test]
fn what_a_reorg_returned_is_not_lost_for_a_clock_that_was_set_back() {
    let (left, advance, id) = reorged();
    left.node.pool().lock().remove(&id);
    // More than a payment's time may be ahead.
    left.clock.fetch_sub(900, SeqCst);
    let dropped = left.node.update_mempool(&advance, &left.node.tip());
    assert!(dropped.is_empty(), "{dropped:?}");
    assert!(!left.node.with_pool(|pool| pool.contains(&id)));
    assert!(left.is_stored(id), "the next start takes it");
}

#[test]
fn what_a_reorg_returned_stays_where_it_cannot_be_written_once_more() {
    let (left, advance, id) = reorged();
    left.node.pool().lock().remove(&id);
    left.node.store().give_up("a test".to_owned());
    left.node.update_mempool(&advance, &left.node.tip());
    // The write fails, before this waits for it or while it does.
    let _ = left.node.keeper().writer().flush();
    assert!(
        left.node.with_pool(|pool| pool.contains(&id)),
        "it is on the disk since the reorg's batch"
    );
}

#[test]
fn no_thread_searches_for_a_block_that_cannot_be_stored() {
    let member = Member::new();
    member.node.store().give_up("a test".to_owned());
    let error = member.node.template(Address::repeat_byte(1)).unwrap_err();
    assert!(matches!(error, TemplateError::NothingStored), "{error}");
}

#[test]
fn what_could_not_be_stored_is_never_reported_as_known() {
    let (member, signer) = (Member::new(), Signer::new(1));
    member.mine(signer.address);
    let node = &member.node;
    node.store().give_up("a test".to_owned());
    for nonce in 0..50 {
        let envelope = member.payment(&signer, nonce);
        let transaction = checked(&member, envelope.clone());
        let id = transaction.id();
        // Its write is under way when it comes a second time, and will fail.
        let write = |_: &Pooled| node.keeper().writer().add(id, envelope.clone(), &[]);
        let (_, first) = node.pool_insert(Mempool::insert, &transaction, write).unwrap();
        let second = node.submit(envelope.clone()).unwrap_err();
        assert!(
            matches!(second, SubmitError::NotStored(_) | SubmitError::Store(_)),
            "{second}"
        );
        let why = first.wait().unwrap_err();
        assert!(
            matches!(&*why, StoreError::Broken { detail, .. } if detail == "a test"),
            "{why}"
        );
        assert!(!node.with_pool(|pool| pool.contains(&id)), "a second try has to be one");
    }
}

#[test]
fn what_made_way_for_a_payment_that_could_not_be_stored_comes_back() {
    let (member, signer) = (Member::new(), Signer::new(1));
    member.mine(signer.address);
    let node = &member.node;
    let first = node.submit(member.payment(&signer, 0)).unwrap().id;
    let better = member.offer(&signer, 0, Address::repeat_byte(7), 1, 2_000_000_000);
    let transaction = checked(&member, better.clone());
    // As it is when the disk is full by the time at which the write begins.
    let (pooled, ()) = node.pool_insert(Mempool::insert, &transaction, |_| ()).unwrap();
    assert_eq!(pooled.removed, [first]);
    let id = transaction.id();
    node.forget_unwritten(&[(first, None), (id, Some(better))].into());
    let in_pool = [first, id].map(|id| node.with_pool(|pool| pool.contains(&id)));
    assert_eq!(in_pool, [true, false], "the first one was acknowledged");
    assert!(member.is_stored(first));
}

#[test]
fn what_is_known_is_durable_when_it_is_reported() {
    let (member, signer) = (Member::new(), Signer::new(1));
    member.mine(signer.address);
    for nonce in 0..20 {
        let envelope = member.payment(&signer, nonce);
        // What a peer sends is written, too, without waiting.
        let relayed = member.node.submit_relayed(&[checked(&member, envelope.clone())]);
        let id = relayed.into_iter().next().unwrap().unwrap().id;
        let again = member.node.submit(envelope).unwrap_err();
        assert!(
            matches!(again, SubmitError::Mempool(MempoolError::AlreadyKnown { id: known }) if known == id),
            "{again}"
        );
        let stored = member.node.store().snapshot().pool().unwrap();
        assert!(stored.iter().any(|(stored, _)| *stored == id));
    }
}

/// The taker's checker remembers every envelope that it is given, and never sees these: what a miner or the network hands
/// over as checked goes on as it is.
#[test]
fn a_block_mined_here_and_a_relayed_payment_are_not_checked_a_second_time() {
    let (maker, taker, signer) = (Member::new(), Member::new(), Signer::new(1));
    maker.mine(signer.address);
    taker.node.import_block(&maker.block(1)).unwrap();
    taker.clock.store(maker.clock.load(SeqCst) + 10, SeqCst);
    let seen = || taker.node.checker().cache().len();
    let tip = || taker.node.tip().record.clone();
    let job = |nonce| {
        maker.node.submit(maker.payment(&signer, nonce)).unwrap();
        maker.clock.fetch_add(1, SeqCst);
        let job = maker.node.new_template(Address::repeat_byte(1)).unwrap();
        assert_eq!(job.transactions.len(), 1);
        job
    };
    // The native miner's way.
    let first = job(0);
    let (header, manifest) = (sealed(&first), first.manifest.clone());
    taker.node.take_solved(&Solved {
        job: first,
        header,
        manifest,
    });
    assert_eq!((tip().id, tip().transaction_count, seen()), (header.id(), 1, 0));
    maker.node.import_block(&taker.block(2)).unwrap();
    // The way of all other miners.
    let second = job(1);
    let header = sealed(&second);
    let imported = taker.node.submit_sealed(&second, &[0; 8], header.time, header.nonce);
    assert!(matches!(imported, Ok(Imported::Tip(_))), "{imported:?}");
    assert_eq!((tip().id, tip().transaction_count, seen()), (header.id(), 1, 0));
    let relayed = checked(&maker, maker.payment(&signer, 2));
    let results = taker.node.submit_relayed(std::slice::from_ref(&relayed));
    assert_eq!(results.into_iter().next().unwrap().unwrap().id, relayed.id());
    assert!(taker.node.with_pool(|pool| pool.contains(&relayed.id())));
    assert_eq!(seen(), 0);
    // As bytes the same envelope is looked at.
    assert!(taker.node.submit(relayed.envelope().clone()).is_err(), "it is known");
    assert_eq!(seen(), 1);
}

#[test]
fn a_reader_in_the_middle_of_the_pool_holds_up_no_submission() {
    let (member, signer) = (Member::new(), Signer::new(1));
    member.mine(signer.address);
    let mut nonces = 0..;
    let mut submit = || {
        let nonce = nonces.next().unwrap();
        member.node.submit(member.payment(&signer, nonce)).unwrap().id
    };
    let first: Vec<_> = (0..3).map(|_| submit()).collect();
    let (now, mut parts) = (member.node.now(), Vec::new());
    let lines = gather(2, |after| {
        let part = member.node.with_pool(|pool| pool.lines(after, 2, 0, now));
        // Under the pool's lock this would wait for ever. What comes is behind what was read.
        if parts.len() < 2 {
            submit();
        }
        parts.push(part.len());
        part
    });
    assert_eq!(parts, [2, 2, 1]);
    let view = PoolView::of(&lines, 0);
    assert_eq!(view.len(), 5);
    assert_eq!(view.best(0, 3), first);
}

#[test]
fn readers_share_a_view_of_the_pool_until_it_changes() {
    let (member, signer) = (Member::new(), Signer::new(1));
    member.mine(signer.address);
    let node = &member.node;
    let view = || node.pool_view(&node.tip());
    let empty = view();
    assert!(Arc::ptr_eq(&empty, &view()), "nothing has changed");
    // A view that one reader holds blocks no other access to the pool.
    let id = node.submit(member.payment(&signer, 0)).unwrap().id;
    let one = view();
    assert_eq!((empty.len(), one.page(0, 9)), (0, &[id][..]));
    assert_eq!(node.next_nonce(&node.tip(), &signer.address).unwrap(), 1);
    assert_eq!(node.pooled(one.page(0, 9)).len(), 1);
    member.mine(Address::repeat_byte(1));
    assert!(view().is_empty(), "it is in a block");
    assert_eq!(node.pooled(one.page(0, 9)).len(), 0);
}
