//! Where a lane's transfers come from: first a file of transfers that were signed before the run, then the keys.
//!
//! Signing an RSA transfer costs several times what the node does for it. So that the node is measured and not the generator,
//! transfers are signed ahead, on all cores, and wait on the disk: a run of any length holds one batch of a lane in memory.

use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Read as _, Seek as _, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use tally_chain::transaction::ChainIdentity;
use tally_chain::{Address, Bytes, UnixSecs};

use super::super::fast::Sender;

/// Who receives all transfers of the load.
const RECIPIENT: Address = Address::repeat_byte(0xbe);

/// Accounts of one lane. They send in turn, so that nonces follow each other as long as the lane sends batch after batch.
pub struct Lane<'a> {
    chain: ChainIdentity,
    /// Each with its next nonce.
    senders: Vec<(&'a Sender, u64)>,
    /// The account whose turn it is.
    turn: usize,
    stock: Option<BufReader<File>>,
}

impl<'a> Lane<'a> {
    pub fn new(chain: ChainIdentity, senders: Vec<(&'a Sender, u64)>) -> Self {
        Self {
            chain,
            senders,
            turn: 0,
            stock: None,
        }
    }

    fn sign(&mut self) -> anyhow::Result<Bytes> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let (sender, nonce) = &mut self.senders[self.turn];
        let envelope = sender.transfer(&self.chain, RECIPIENT, *nonce, UnixSecs(now))?;
        *nonce += 1;
        self.turn = (self.turn + 1) % self.senders.len();
        Ok(envelope)
    }

    /// Signs `count` transfers into a file without a name, which is gone when the lane is.
    pub fn sign_ahead(&mut self, count: usize, signed: impl Fn()) -> anyhow::Result<()> {
        let mut file = BufWriter::new(tempfile::tempfile()?);
        for _ in 0..count {
            let envelope = self.sign()?;
            file.write_all(&u32::try_from(envelope.len())?.to_le_bytes())?;
            file.write_all(&envelope)?;
            signed();
        }
        let mut file = file.into_inner()?;
        file.rewind()?;
        self.stock = Some(BufReader::new(file));
        Ok(())
    }

    /// The next transfers, and how many of them had to be signed now.
    pub fn next(&mut self, count: usize) -> anyhow::Result<(Vec<Bytes>, usize)> {
        let mut batch = Vec::with_capacity(count);
        while batch.len() < count
            && let Some(stock) = &mut self.stock
        {
            match read(stock)? {
                Some(envelope) => batch.push(envelope),
                None => self.stock = None,
            }
        }
        let live = count - batch.len();
        for _ in 0..live {
            batch.push(self.sign()?);
        }
        Ok((batch, live))
    }
}

fn read(stock: &mut BufReader<File>) -> anyhow::Result<Option<Bytes>> {
    let mut len = [0; 4];
    match stock.read_exact(&mut len) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let mut envelope = vec![0; u32::from_le_bytes(len) as usize];
    stock.read_exact(&mut envelope)?;
    Ok(Some(envelope.into()))
}

#[cfg(test)]
mod tests {
    use tally_chain::{BlockId, RawTransaction};

    use super::super::super::fast::Mix;
    use super::*;

    #[test]
    fn nonces_go_on_where_the_stock_ends() {
        let chain = ChainIdentity {
            chain_id: 8_599,
            genesis: BlockId::ZERO,
        };
        let senders = Sender::some(Mix::Ecc, 2).unwrap();
        let mut lane = Lane::new(chain, vec![(&senders[0], 5), (&senders[1], 0)]);
        lane.sign_ahead(3, || ()).unwrap();
        let (first, live) = lane.next(2).unwrap();
        assert_eq!((first.len(), live), (2, 0));
        let (second, live) = lane.next(3).unwrap();
        assert_eq!((second.len(), live), (3, 2));
        let nonces = first.into_iter().chain(second).map(|envelope| {
            let raw = RawTransaction::decode(envelope).unwrap();
            raw.transaction().view().nonce
        });
        assert_eq!(nonces.collect::<Vec<_>>(), [5, 0, 6, 1, 7]);
    }
}
