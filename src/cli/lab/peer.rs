//! A peer that shows blocks of the laboratory to a node, honest or not. Rules: docs/protocol.md#N1 to #N9

use std::time::Duration;

use anyhow::Context as _;
use tally_chain::transaction::ChainIdentity;
use tally_chain::{BlockId, Bytes, Height, UnixSecs, Weight};
use tally_lab::Sealed;
use tally_lab::report::Answer;
use tally_network::raw::RawPeer;
use tally_network::wire::{Claim, Frame, Hello, Message, PROTOCOL_VERSION};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::process::{Node, PATIENCE, until};

/// Longest frame that a peer of the laboratory reads, in bytes of blocks.
const BLOCK_BYTES: u64 = 1 << 20;

/// Time between two tries to connect.
const AGAIN: Duration = Duration::from_millis(50);

/// What a peer has and how it answers.
#[derive(Debug, Clone, Default)]
pub struct Stock {
    /// Blocks one after the other.
    pub blocks: Vec<Sealed>,
    /// Envelopes for nodes that request transactions.
    pub envelopes: Vec<Bytes>,
    /// The time that its pongs carry.
    pub clock: UnixSecs,
}

impl Stock {
    /// Only these blocks.
    pub fn of(blocks: &[Sealed]) -> Self {
        Self {
            blocks: blocks.to_vec(),
            ..Self::default()
        }
    }

    /// The end of its chain.
    pub fn claim(&self, identity: &ChainIdentity) -> Claim {
        match self.blocks.last() {
            Some(last) => Claim {
                tip: last.id(),
                height: last.height(),
                weight: last.weight,
            },
            None => Claim {
                tip: identity.genesis,
                height: Height(0),
                weight: Weight::default(),
            },
        }
    }

    /// The answer to a message that is a request.
    fn answer(&self, request: &Message) -> Option<Message> {
        Some(match request {
            Message::Ping => Message::TimedPong(self.clock),
            Message::GetHeaders { locator } => {
                Message::Headers(self.after(locator).map(|block| block.header).collect())
            }
            Message::GetBlocks(ids) => {
                let wanted = self.blocks.iter().filter(|block| ids.contains(&block.id()));
                Message::Blocks(wanted.map(Sealed::bytes).collect())
            }
            Message::GetTransactions(_) => Message::Transactions(self.envelopes.clone()),
            Message::GetBlockTransactions { block, indexes } => {
                let block = self.blocks.iter().find(|own| own.id() == *block)?;
                let wanted = indexes.iter().filter_map(|index| block.envelopes.get(*index as usize));
                Message::BlockTransactions(wanted.cloned().collect())
            }
            Message::GetManifests(ids) => {
                let wanted = self.blocks.iter().filter(|block| ids.contains(&block.id()));
                Message::Manifests(wanted.map(|block| block.manifest.clone()).collect())
            }
            Message::GetCheckpoint => Message::Checkpoint(None),
            Message::GetPart { .. } => Message::Part(Bytes::new()),
            _ => return None,
        })
    }

    /// The blocks after the first of these ids that one of them continues; all where none does.
    fn after(&self, locator: &[BlockId]) -> impl Iterator<Item = &Sealed> {
        let known = |block: &&Sealed| locator.contains(&block.id());
        let last = self.blocks.iter().rposition(|block| known(&block));
        self.blocks.iter().skip(last.map_or(0, |at| at + 1))
    }
}

/// A connected peer; it leaves when it is dropped.
pub struct Peer {
    raw: RawPeer,
}

/// A peer that answers by itself.
pub struct Serving {
    /// The name under which the node knows it.
    pub id: String,
    task: JoinHandle<()>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    /// Connects, and says nothing yet.
    ///
    /// # Errors
    /// If the node does not take the connection.
    pub async fn connect(node: &Node) -> anyhow::Result<Self> {
        let raw = timeout(PATIENCE, RawPeer::connect(node.address.clone())).await;
        let raw = raw.context("the node takes no connection in time")?;
        Ok(Self {
            raw: raw.context("the node takes no connection")?,
        })
    }

    /// Connects, sends hello with this claim, and waits for the node's own. A node whose places were all taken a moment ago may
    /// close a connection again: it is tried until the patience is over.
    ///
    /// # Errors
    /// If the node does not take it in time.
    pub async fn greet(node: &Node, genesis: BlockId, claim: Claim) -> anyhow::Result<Self> {
        let end = Instant::now() + PATIENCE;
        loop {
            match Self::greet_once(node, genesis, claim).await {
                Err(error) if Instant::now() > end => return Err(error),
                Err(_) => sleep(AGAIN).await,
                greeted => return greeted,
            }
        }
    }

    async fn greet_once(node: &Node, genesis: BlockId, claim: Claim) -> anyhow::Result<Self> {
        let mut peer = Self::connect(node).await?;
        let hello = Hello {
            version: PROTOCOL_VERSION,
            genesis,
            claim,
            first: Height(1),
            agent: "lab".to_owned(),
        };
        peer.send(0, Message::Hello(hello)).await?;
        let first = timeout(PATIENCE, peer.raw.recv())
            .await
            .context("the node sends no hello")??;
        let first = Frame::decode(&first, BLOCK_BYTES)?;
        anyhow::ensure!(
            matches!(first.message, Message::Hello(_)),
            "the node does not begin with hello"
        );
        Ok(peer)
    }

    /// The name under which the node knows it.
    pub fn id(&self) -> String {
        self.raw.id()
    }

    /// Sends a message.
    ///
    /// # Errors
    /// If the node has ended the conversation.
    pub async fn send(&mut self, request: u64, message: Message) -> anyhow::Result<()> {
        Ok(self.raw.send(&Frame { request, message }.encode()).await?)
    }

    /// Sends bytes that need not be a message.
    ///
    /// # Errors
    /// If the node has ended the conversation.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(self.raw.send_bytes(bytes).await?)
    }

    /// Sends bytes as one frame.
    ///
    /// # Errors
    /// If the node has ended the conversation.
    pub async fn send_frame(&mut self, frame: &[u8]) -> anyhow::Result<()> {
        Ok(self.raw.send(frame).await?)
    }

    /// Reads until the node ends the conversation; whether it does in time.
    pub async fn is_ended(&mut self, patience: Duration) -> bool {
        timeout(patience, async { while self.raw.recv().await.is_ok() {} })
            .await
            .is_ok()
    }

    /// Returns once the node has looked at all that was sent before.
    ///
    /// # Errors
    /// If the node has ended the conversation.
    pub async fn settled(&mut self, stock: &Stock) -> anyhow::Result<()> {
        const OWN: u64 = 0x1ab;
        self.send(OWN, Message::Ping).await?;
        let answered = async {
            loop {
                let frame = Frame::decode(&self.raw.recv().await?, BLOCK_BYTES)?;
                if frame.request == OWN && frame.message.is_answer() {
                    return anyhow::Ok(());
                }
                self.answer(&frame, stock).await?;
            }
        };
        timeout(PATIENCE, answered)
            .await
            .context("the node does not answer a ping")?
    }

    async fn answer(&mut self, frame: &Frame, stock: &Stock) -> anyhow::Result<()> {
        if let Some(message) = stock.answer(&frame.message) {
            self.send(frame.request, message).await?;
        }
        Ok(())
    }

    /// Answers by itself from now on.
    pub fn serve(mut self, stock: Stock) -> Serving {
        let id = self.id();
        let task = tokio::spawn(async move {
            while let Ok(bytes) = self.raw.recv().await {
                let Ok(frame) = Frame::decode(&bytes, BLOCK_BYTES) else {
                    return;
                };
                if self.answer(&frame, &stock).await.is_err() {
                    return;
                }
            }
        });
        Serving { id, task }
    }
}

/// What the node has noted of a peer, if it has: the newest offence.
pub fn offence(node: &Node, peer: &str, least: u64) -> Option<Answer> {
    let line = node.logged(|line| {
        let score: u64 = line.text("score").parse().unwrap_or(0);
        line.text("message") == "peer misbehaves" && line.text("peer") == peer && score >= least
    })?;
    Some(Answer::Offence {
        detail: line.text("offence"),
        score: line.text("score").parse().unwrap_or(0),
    })
}

/// Shows a chain of blocks to a node by a new peer, and waits until its last one is the tip or the peer has an offence.
///
/// # Errors
/// If neither happens.
pub async fn show(node: &Node, identity: &ChainIdentity, blocks: &[Sealed]) -> anyhow::Result<Answer> {
    let stock = Stock {
        clock: (tally_node::system_clock())(),
        ..Stock::of(blocks)
    };
    let claim = stock.claim(identity);
    let peer = Peer::greet(node, identity.genesis, claim).await?;
    let serving = peer.serve(stock);
    until("an answer to a block", || {
        if let Some(offence) = offence(node, &serving.id, 1) {
            return Ok(Some(offence));
        }
        let tip = node.tip()?;
        Ok((tip.id == claim.tip).then(|| Answer::Accepted {
            detail: format!("block {} is the tip at height {}", tip.id, tip.height),
        }))
    })
    .await
}
