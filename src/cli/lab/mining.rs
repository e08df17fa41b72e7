//! Work for a node's templates, as any external miner does it: honest work, and such as the rules forbid.

use anyhow::Context as _;
use tally_api::mining::{MinedBody, TemplateBody, WorkBody};
use tally_chain::header::HEADER_BYTES;
use tally_chain::pow::{Search, Target};
use tally_chain::{Bytes, Header, Manifest};
use tally_lab::blocks::PRODUCER;

use super::process::Node;
use crate::cli::client::Client;

/// A template with the header that a miner searches.
pub struct Job {
    template: TemplateBody,
    /// As the template has it: nothing is searched there.
    extra_nonce: Bytes,
    header: Header,
}

impl Job {
    /// The next block of a node.
    ///
    /// # Errors
    /// If the node gives none.
    pub fn of(client: &Client) -> anyhow::Result<Self> {
        let template: TemplateBody = client.get(&format!("mining/template?address={PRODUCER}"))?;
        let bytes: &[u8; HEADER_BYTES] = template
            .header_hex
            .as_ref()
            .try_into()
            .context("a header has 80 bytes")?;
        let mut header = Header::decode(bytes);
        header.manifest_root = Manifest::decode(&template.manifest_hex)?.root();
        let (from, len) = (template.extra_nonce_offset, template.extra_nonce_bytes);
        let extra_nonce = template
            .manifest_hex
            .get(from..from + len)
            .context("the extra nonce is in the manifest")?;
        Ok(Self {
            extra_nonce: Bytes::copy_from_slice(extra_nonce),
            template,
            header,
        })
    }

    /// The earliest time that the block may have, Unix seconds. Rule: docs/protocol.md#B3
    pub fn earliest(&self) -> u32 {
        self.template.min_time
    }

    /// The time that the node suggests, Unix seconds.
    pub fn time(&self) -> u32 {
        self.template.time
    }

    /// Hands in a block of this time: one whose work is done, or the first nonce that is none.
    ///
    /// # Errors
    /// The node's problem.
    pub fn submit(&self, client: &Client, time: u32, works: bool) -> anyhow::Result<String> {
        let mined = self.hand_in(client, time, works)?;
        Ok(match mined.height {
            Some(height) => format!("block {} at height {height}", mined.id),
            None => format!("block {} was here before", mined.id),
        })
    }

    fn hand_in(&self, client: &Client, time: u32, works: bool) -> anyhow::Result<MinedBody> {
        let header = Header { time, ..self.header };
        let target = Target::from_bits(header.bits)?;
        let nonce = match works {
            true => Search::new(&header, target).scan(0, u32::MAX),
            false => (0..u32::MAX).find(|nonce| {
                !target.is_met_by(
                    &Header {
                        nonce: *nonce,
                        ..header
                    }
                    .id(),
                )
            }),
        };
        let work = WorkBody {
            template: self.template.template,
            extra_nonce: self.extra_nonce.to_string(),
            time,
            nonce: nonce.context("no nonce fits")?,
        };
        client.post("mining/submit", &work)
    }
}

/// Mines the next block.
///
/// # Errors
/// The node's problem.
pub fn mine(node: &Node) -> anyhow::Result<String> {
    let job = Job::of(&node.client)?;
    job.submit(&node.client, job.time(), true)
}

/// Mines the next block: its height and its id, once the node has acknowledged it.
///
/// # Errors
/// The node's problem, or none of its answers.
pub fn acknowledged(client: &Client) -> anyhow::Result<(u64, String)> {
    let job = Job::of(client)?;
    let mined = job.hand_in(client, job.time(), true)?;
    let height = mined.height.context("a new block has a height")?;
    Ok((height, mined.id.to_string()))
}
