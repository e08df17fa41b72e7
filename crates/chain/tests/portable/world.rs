//! A chain whose block of a given height holds a payment, and receipts of it; nothing is executed.

use std::sync::LazyLock;

use tally_chain::light::forge::{Budget, Chain, Next, SealMethod, genesis_id};
use tally_chain::light::{ChainReader, prove};
use tally_chain::portable::{ChainProof, HeaderWithManifest, Parts};
use tally_chain::pow::{Search, Target};
use tally_chain::spec::ConsensusSpec;
use tally_chain::transaction::{ChainIdentity, Payload};
use tally_chain::{
    Address, Amount, B256, Bytes, ChainSpec, Height, PortableReceipt, RawTransaction, Receipt, ReferenceVerifier, U256,
    UnixSecs, genesis, history, merkle,
};

use crate::support::keys::SECP256K1;

/// A reader's clock: later than every block here.
pub const NOW: UnixSecs = UnixSecs(4_000_000_000);
/// Height of the block with the payment.
pub const PAID_AT: u64 = 7;

/// `local`, whose blocks cost two hashes, so that a chain that is sampled is made at once.
pub static SPEC: LazyLock<ChainSpec> = LazyLock::new(|| easy("local"));

pub fn easy(name: &str) -> ChainSpec {
    let mut spec = ChainSpec::built_in(name).unwrap();
    let ConsensusSpec::Pow(pow) = &mut spec.consensus;
    pow.pow_limit_bits = 0x207f_ffff;
    pow.initial_bits = 0x207f_ffff;
    spec
}

/// A chain with its payment.
pub struct World<'a> {
    pub chain: Chain<'a>,
    identity: ChainIdentity,
    envelope: Bytes,
    receipt: Receipt,
}

impl<'a> World<'a> {
    /// Blocks up to this height.
    pub fn new(spec: &'a ChainSpec, height: u64) -> Self {
        Self::spaced(spec, height, 10)
    }

    /// The same with so many seconds between blocks: another chain of the same genesis.
    pub fn spaced(spec: &'a ChainSpec, height: u64, spacing: u32) -> Self {
        let identity = genesis::identity(spec);
        let payload = Payload {
            chain_id: identity.chain_id,
            nonce: 0,
            timestamp: UnixSecs(u64::from(spec.genesis_time) + 60),
            max_priority_fee: 1_000_000_000,
            max_fee: 2_000_000_000,
            gas_limit: 50_000,
            to: Some(Address::repeat_byte(0x11)),
            value: Amount(U256::from(1_500_000_000_000_000_000u64)),
            data: Bytes::from_static(b"memo"),
        };
        let envelope = Bytes::from(SECP256K1.sign(payload, &identity).encode());
        let checked = RawTransaction::decode(envelope.clone())
            .unwrap()
            .check(&identity, &ReferenceVerifier);
        let receipt = Receipt {
            transaction: checked.unwrap().id(),
            success: true,
            gas_used: 21_000,
            contract: None,
            logs: Vec::new(),
        };
        let mut world = Self {
            chain: Chain::new(spec),
            identity,
            envelope,
            receipt,
        };
        let mut hashes = Budget(u64::MAX);
        assert!(world.chain.push_many(PAID_AT - 1, spacing, &mut hashes));
        world.pay();
        assert!(world.chain.push_many(height - PAID_AT, spacing, &mut hashes));
        world
    }

    /// The next block, with the payment as its second transaction.
    fn pay(&mut self) {
        let mut draft = self.chain.clone();
        let time = draft.tip().time + 10;
        assert!(draft.push(Next::at(time), SealMethod::None));
        let mut manifest = draft.manifest(Height(draft.height())).unwrap();
        manifest.transactions_root = merkle::root(&self.leaves(&self.envelope));
        manifest.receipts_root = merkle::root(&self.leaves(&self.receipt.encode()));
        let mut header = draft.tip();
        header.manifest_root = manifest.root();
        let target = Target::from_bits(header.bits).unwrap();
        header.nonce = Search::new(&header, target).scan(0, u32::MAX).unwrap();
        self.chain.splice(header, manifest);
    }

    /// The leaves of a list of which the payment has the second place.
    fn leaves(&self, own: &[u8]) -> Vec<B256> {
        [&b"first"[..], own, b"third"].map(merkle::leaf_hash).to_vec()
    }

    fn block(&self, height: u64) -> HeaderWithManifest {
        let manifest = self.chain.manifest(Height(height)).unwrap();
        HeaderWithManifest::new(&self.chain.at(height), &manifest)
    }

    /// The receipt that leads to the block of this height, as version 1.
    pub fn receipt_to(&self, tip: u64) -> PortableReceipt {
        let nodes = |position: u64| self.chain.node(position);
        PortableReceipt::new(Parts {
            chain: self.identity,
            envelope: self.envelope.clone(),
            block: self.block(PAID_AT),
            transaction_path: merkle::prove(&self.leaves(&self.envelope), 1).unwrap(),
            receipt: self.receipt.clone(),
            receipt_path: merkle::prove(&self.leaves(&self.receipt.encode()), 1).unwrap(),
            tip: self.block(tip),
            history: (tip != PAID_AT).then(|| history::prove(tip, PAID_AT, &nodes).unwrap()),
        })
    }

    /// The proof of the block of this height.
    pub fn proof_of(&self, tip: u64) -> ChainProof {
        let spec = self.chain.spec();
        let proof = prove(spec, &self.chain, Height(tip)).unwrap();
        ChainProof {
            spec: spec.clone(),
            proof: proof.bytes(spec, &self.chain).unwrap().into(),
        }
    }

    /// The receipt with the proof of its later block, as version 2.
    pub fn proved_to(&self, tip: u64) -> PortableReceipt {
        self.receipt_to(tip).with_chain(self.proof_of(tip))
    }

    pub fn genesis(&self) -> tally_chain::BlockId {
        genesis_id(self.chain.spec())
    }
}

pub static SHORT: LazyLock<World<'static>> = LazyLock::new(|| World::new(&SPEC, 20));
