use std::sync::LazyLock;

use tally_api::worker::light::{BlockVerdict, Phase};
use tally_chain::history;
use tally_chain::light::forge::{self, Budget, Chain, honest};
use tally_chain::light::{ChainReader, Level, TipClaim, encode_headers, prove};
use tally_chain::spec::ConsensusSpec;
use tally_chain::{BlockId, ChainSpec, Height, Weight};

use super::*;

mod misbehaving;

/// Milliseconds since 1970 by the reader's clock: later than every block here.
const NOW: u64 = 4_000_000_000_000;
const LONG: u64 = 10_020;

static SPEC: LazyLock<ChainSpec> = LazyLock::new(|| {
    let mut spec = ChainSpec::built_in("local").unwrap();
    let ConsensusSpec::Pow(pow) = &mut spec.consensus;
    pow.pow_limit_bits = 0x207f_ffff;
    pow.initial_bits = 0x2000_ffff;
    spec
});
static CHAIN: LazyLock<Chain<'static>> = LazyLock::new(|| honest(&SPEC, LONG + 20, 5));

/// A node: its chain up to a height, and what it changes of its answers.
struct Node<'a> {
    chain: &'a Chain<'a>,
    height: u64,
    change: fn(&str, Vec<u8>) -> Vec<u8>,
    /// How requests begin that are answered with a problem, and its name; `silent` for no answer at all.
    problem: Option<(&'static str, &'static str)>,
    /// Paths that were requested.
    paths: Vec<String>,
}

impl<'a> Node<'a> {
    fn new(chain: &'a Chain<'a>, height: u64) -> Self {
        Self {
            chain,
            height,
            change: |_, bytes| bytes,
            problem: None,
            paths: Vec::new(),
        }
    }

    fn claim(&self) -> TipClaim {
        let weight = (0..=self.height).fold(Weight::default(), |sum, height| {
            sum.plus(SPEC.engine().weight(&self.chain.at(height)))
        });
        TipClaim {
            header: self.chain.at(self.height),
            manifest: self.chain.manifest(Height(self.height)).unwrap(),
            weight,
        }
    }

    fn answer(&self, get: &Get) -> Result<Vec<u8>, NoAnswer> {
        if let Some((_, name)) = self.problem.filter(|(path, _)| get.path.starts_with(path)) {
            return Err(match name {
                "silent" => NoAnswer::Silent { secs: 30 },
                name => NoAnswer::Problem {
                    name: name.to_owned(),
                    text: "a reason".to_owned(),
                },
            });
        }
        let number = |field: &str| -> u64 {
            let rest = get.path.split_once(&format!("{field}=")).unwrap().1;
            rest.split('&').next().unwrap().parse().unwrap()
        };
        let bytes = match get.path.split('?').next().unwrap() {
            "spec" => serde_json::to_vec(&*SPEC).unwrap(),
            "light/tip" => self.claim().encode(),
            "light/chain" => {
                let proof = prove(&SPEC, self.chain, Height(self.height)).unwrap();
                proof.bytes(&SPEC, self.chain).unwrap()
            }
            "light/headers" => {
                let (from, mut bytes) = (number("from"), Vec::new());
                let to = self.height.min(from + number("count") - 1);
                encode_headers(&SPEC, self.chain, from..=to, &mut bytes).unwrap();
                bytes
            }
            "light/ancestor" => {
                let nodes = |position| self.chain.node(position);
                let proof = history::prove(self.height, number("height"), &nodes).unwrap();
                proof.nodes.iter().flat_map(history::Node::encode).collect()
            }
            other => panic!("{other}"),
        };
        Ok((self.change)(&get.path, bytes))
    }

    /// Answers the client until it has no more requests at this time.
    fn serve(&mut self, client: &mut Client, now: u64) {
        while let Some(get) = client.next(now) {
            self.paths.push(get.path.split('&').next().unwrap().to_owned());
            assert!(
                self.paths.len() < 1_000,
                "requests without an end: {:?}",
                &self.paths[990..]
            );
            let answer = self.answer(&get).map(|bytes| {
                assert!(bytes.len() as u64 <= get.most, "{get:?}");
                let _ = bytes.chunks(1_000).try_for_each(|part| client.part_came(part));
            });
            client.ended(answer, now);
        }
    }

    fn check(&mut self, client: &mut Client, chain: &Chain<'_>, height: u64, now: u64) -> BlockVerdict {
        let manifest = chain.manifest(Height(height)).unwrap().encode();
        client.check(7, &chain.at(height).encode(), &manifest);
        self.serve(client, now);
        let mut verdicts = client.take_verdicts();
        assert_eq!(verdicts.len(), 1, "{verdicts:?}");
        verdicts.remove(0).1
    }
}

fn client() -> Client {
    Client::new(forge::genesis_id(&SPEC), None)
}

fn height_of(client: &Client) -> Option<(Level, u64)> {
    client.state().tip.map(|tip| (tip.level, tip.height))
}

fn failure(client: &Client) -> (String, Option<u64>, Option<u64>) {
    match client.state().phase {
        Phase::Failed(failure) => {
            let evidence: serde_json::Value = serde_json::from_str(&failure.evidence).unwrap();
            assert_eq!(evidence["rule"], failure.rule);
            (failure.rule, failure.height, failure.byte)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_tip_is_verified_and_followed_and_blocks_are_checked_by_it() {
    let (mut client, mut node) = (client(), Node::new(&CHAIN, 50));
    assert_eq!(client.state().phase, Phase::Checking { checked: 0, of: 0 });
    node.serve(&mut client, NOW);
    assert_eq!(client.state().phase, Phase::Verified);
    assert_eq!(height_of(&client), Some((Level::AllHeaders, 50)));
    let tip = CHAIN.at(50).id();
    assert_eq!(node.paths, ["spec", "light/tip", &format!("light/chain?tip={tip}")]);
    // The tip, an ancestor, genesis; what was proven once is not requested again.
    assert_eq!(node.check(&mut client, &CHAIN, 50, NOW), BlockVerdict::OnChain);
    assert_eq!(node.check(&mut client, &CHAIN, 30, NOW), BlockVerdict::OnChain);
    assert_eq!(node.check(&mut client, &CHAIN, 0, NOW), BlockVerdict::OnChain);
    let requests = node.paths.len();
    assert_eq!(node.paths[3..], ["light/ancestor?height=30"]);
    node.height = 53;
    // A block that is newer than the verified tip makes the client look, and follow.
    assert_eq!(node.check(&mut client, &CHAIN, 52, NOW), BlockVerdict::OnChain);
    assert_eq!(
        node.paths[requests..],
        ["light/tip", "light/headers?from=51", "light/ancestor?height=52"]
    );
    assert_eq!(height_of(&client), Some((Level::AllHeaders, 53)));
    assert_eq!(node.check(&mut client, &CHAIN, 30, NOW), BlockVerdict::OnChain);
    assert_eq!(node.paths.len(), requests + 3);
    let above = node.check(&mut client, &CHAIN, 60, NOW);
    assert_eq!(
        above,
        BlockVerdict::Refuted("block 60 is above the verified tip, block 53".to_owned())
    );
}

#[test]
fn blocks_of_another_chain_are_refuted() {
    let mut fork = CHAIN.fork(40, 2);
    assert!(fork.push_many(20, 10, &mut Budget(u64::MAX)));
    let (mut client, mut node) = (client(), Node::new(&CHAIN, 50));
    for (height, why) in [
        (45, "nothing shows that it is block 45"),
        (50, "the verified block at height 50 is another one"),
    ] {
        let BlockVerdict::Refuted(found) = node.check(&mut client, &fork, height, NOW) else {
            panic!("{height}")
        };
        assert!(found.starts_with(why), "{found}");
    }
    client.check(1, &CHAIN.at(9).encode(), &CHAIN.manifest(Height(8)).unwrap().encode());
    client.check(2, &[0; 79], &[]);
    let expected = [
        "the manifest is not the one in the header (rule M1)",
        "the header has 79 bytes, not 80",
    ];
    for (found, expected) in client.take_verdicts().into_iter().zip(expected) {
        assert_eq!(found.1, BlockVerdict::Refuted(expected.to_owned()));
    }
}

#[test]
fn a_chain_of_more_work_is_accepted_after_a_reorg_and_one_of_less_is_not() {
    let mut fork = CHAIN.fork(140, 2);
    assert!(fork.push_many(20, 10, &mut Budget(u64::MAX)));
    let (mut client, mut node) = (client(), Node::new(&CHAIN, 10));
    for height in [10, 115, 150] {
        node.height = height;
        client.look();
        node.serve(&mut client, NOW);
    }
    let mut other = Node::new(&fork, 158);
    client.look();
    other.serve(&mut client, NOW);
    // Not from the tip, but from a block before the fork.
    let paths = ["light/tip", "light/headers?from=151", "light/headers?from=11"];
    assert_eq!(other.paths, paths);
    assert_eq!(
        (height_of(&client), client.state().phase),
        (Some((Level::AllHeaders, 158)), Phase::Verified)
    );
    assert_eq!(other.check(&mut client, &fork, 150, NOW), BlockVerdict::OnChain);
    // The old chain has less work by now: nothing is verified by it, and the tip stays.
    client.look();
    node.serve(&mut client, NOW);
    let (rule, height, _) = failure(&client);
    assert_eq!((rule.as_str(), height), ("F10", Some(150)));
    let BlockVerdict::Unknown(why) = node.check(&mut client, &fork, 150, NOW) else {
        panic!()
    };
    assert!(
        why.contains("rule F10, block 150: the total work of the chain is"),
        "{why}"
    );
    assert_eq!(height_of(&client), Some((Level::AllHeaders, 158)));
    // The same for one who comes back later, until he forgets it.
    let kept = client.take_kept().unwrap();
    assert_eq!(kept.weight(), Some(other.claim().weight));
    let kept: Kept = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
    let mut later = Client::new(forge::genesis_id(&SPEC), Some(kept));
    node.serve(&mut later, NOW);
    assert_eq!(failure(&later).0, "F10");
    later.forget();
    node.serve(&mut later, NOW);
    assert_eq!(
        (height_of(&later), later.state().phase),
        (Some((Level::AllHeaders, 150)), Phase::Verified)
    );
}

#[test]
fn who_comes_back_reads_only_what_is_new() {
    let (mut client, mut node) = (client(), Node::new(&CHAIN, 300));
    node.serve(&mut client, NOW);
    let kept = client.take_kept().unwrap();
    assert!(client.take_kept().is_none(), "nothing is new");
    let mut later = Client::new(forge::genesis_id(&SPEC), Some(kept));
    let mut node = Node::new(&CHAIN, 320);
    node.serve(&mut later, NOW);
    assert_eq!(node.paths, ["spec", "light/tip", "light/headers?from=301"]);
    assert_eq!(height_of(&later), Some((Level::AllHeaders, 320)));
    let tip = later.state().tip.unwrap();
    assert_eq!((tip.checked.headers, tip.millis), (320, Some(0)));
}

#[test]
fn all_headers_of_a_sampled_chain_follow_in_the_background() {
    let (mut client, mut node) = (client(), Node::new(&CHAIN, LONG));
    node.serve(&mut client, NOW);
    assert_eq!(height_of(&client), Some((Level::Sampled, LONG)));
    let headers = |client: &Client| client.state().headers.map(|headers| (headers.checked, headers.running));
    assert_eq!(headers(&client), Some((PART, true)));
    client.stop();
    node.serve(&mut client, NOW + 1_000);
    assert_eq!((headers(&client), client.due()), (Some((PART, false)), None));
    // What was done is kept, and that it was stopped.
    let kept = client.take_kept().unwrap();
    let mut later = Client::new(forge::genesis_id(&SPEC), Some(kept));
    node.serve(&mut later, NOW);
    assert_eq!(
        (height_of(&later), headers(&later)),
        (Some((Level::Sampled, LONG)), Some((PART, false)))
    );
    // A newer tip is followed meanwhile, without another sample.
    node.height = LONG + 4;
    later.look();
    node.paths.clear();
    node.serve(&mut later, NOW);
    assert_eq!(node.paths, ["light/tip", &format!("light/headers?from={}", LONG + 1)]);
    later.check_all();
    node.paths.clear();
    node.serve(&mut later, NOW);
    assert_eq!(
        (height_of(&later), headers(&later)),
        (Some((Level::AllHeaders, LONG + 4)), None)
    );
    assert_eq!(node.paths, ["light/headers?from=4097", "light/headers?from=8193"]);
}

/// What a misbehaving node makes of an answer, by the path of the request.
type Change = fn(&str, Vec<u8>) -> Vec<u8>;

#[test]
fn what_does_not_hold_is_named_with_its_place() {
    let changes: [(Change, &str); 4] = [
        (|path, bytes| if path == "spec" { b"{}".to_vec() } else { bytes }, "C2"),
        (
            |path, bytes| {
                if path == "light/tip" {
                    bytes[1..].to_vec()
                } else {
                    bytes
                }
            },
            "F11",
        ),
        (
            |path, mut bytes| {
                if path == "light/tip" {
                    bytes[100] ^= 1;
                }
                bytes
            },
            "F11",
        ),
        (
            |path, bytes| {
                if path.starts_with("light/chain") {
                    bytes[..2_000].to_vec()
                } else {
                    bytes
                }
            },
            "F3",
        ),
    ];
    for (change, rule) in changes {
        let (mut client, mut node) = (
            client(),
            Node {
                change,
                ..Node::new(&CHAIN, 80)
            },
        );
        node.serve(&mut client, NOW);
        assert_eq!(failure(&client).0, rule);
        assert_eq!(height_of(&client), None);
        // It is tried again, not at once; what holds then is verified.
        node.change = |_, bytes| bytes;
        let due = client.due().unwrap();
        assert!(due > NOW);
        node.serve(&mut client, due - 1);
        assert_eq!(height_of(&client), None);
        node.serve(&mut client, due);
        assert_eq!(
            (client.state().phase, height_of(&client)),
            (Phase::Verified, Some((Level::AllHeaders, 80)))
        );
    }
    let change: fn(&str, Vec<u8>) -> Vec<u8> = |path, mut bytes| {
        if path.starts_with("light/chain") {
            bytes[1_500] ^= 1;
        }
        bytes
    };
    let (mut client, mut node) = (
        client(),
        Node {
            change,
            ..Node::new(&CHAIN, 80)
        },
    );
    node.serve(&mut client, NOW);
    let (rule, height, byte) = failure(&client);
    assert_eq!(rule, "H5");
    assert!(byte.is_some_and(|byte| (1_450..=1_500).contains(&byte)), "{byte:?}");
    assert!(height.is_some());
    // The damaged byte is in the evidence.
    let Phase::Failed(failure) = client.state().phase else {
        unreachable!("seen above")
    };
    let evidence: serde_json::Value = serde_json::from_str(&failure.evidence).unwrap();
    let bytes: tally_chain::Bytes = evidence["bytes"].as_str().unwrap().parse().unwrap();
    let from = evidence["from"].as_u64().unwrap();
    assert!((from..from + bytes.len() as u64).contains(&1_500));
    assert_eq!(
        evidence["claim"],
        tally_chain::Bytes::from(node.claim().encode()).to_string()
    );
}

#[test]
fn a_node_without_a_proof_is_no_misbehaving_one() {
    let (mut client, mut node) = (client(), Node::new(&CHAIN, 80));
    node.problem = Some(("light/chain", "not-kept"));
    let BlockVerdict::Unknown(why) = node.check(&mut client, &CHAIN, 3, NOW) else {
        panic!()
    };
    let expected =
        "this node began with a checkpoint and cannot prove its chain from genesis on: the node answers: a reason";
    assert_eq!(
        (why.as_str(), client.state().phase),
        (expected, Phase::Unverified(expected.to_owned()))
    );
    // A tip that is no more is read again, a few times.
    let mut client = self::client();
    (node.problem, node.paths) = (Some(("light/chain", "unknown-block")), Vec::new());
    node.serve(&mut client, NOW);
    assert_eq!(node.paths.iter().filter(|path| *path == "light/tip").count(), 4);
    assert!(matches!(client.state().phase, Phase::Unverified(_)));
    // An answer about another chain than that of the genesis id.
    let mut foreign = Client::new(BlockId::ZERO, None);
    node.serve(&mut foreign, NOW);
    assert_eq!(failure(&foreign), ("C2".to_owned(), None, None));
}
