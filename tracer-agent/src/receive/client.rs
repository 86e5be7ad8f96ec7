//! What each client says of its own losses, and what its batch numbers say.
//!
//! Clients number their batches from 1. A number that never comes is a datagram that was lost on the way or in the
//! kernel's buffer; UDP may also reorder or repeat. So a client's numbers are kept as a range and a window of the newest
//! [`WINDOW`]: those of the range that did not come are lost until they do.

use std::collections::HashMap;
use std::time::SystemTime;

use serde::Serialize;

use crate::model::{Batch, ClientStats};

/// How far behind the newest a batch may come and still be told from a repeated one.
const WINDOW: u32 = 128;
/// A number this far from the newest is not a gap: the client began anew, or it makes numbers up.
const MAX_GAP: i64 = 1 << 20;
/// More clients than a machine runs; beyond it the one that was silent longest is forgotten.
const MAX_CLIENTS: usize = 1_000;
/// Names are shortened to this many bytes: they come from the network.
const MAX_NAME: usize = 128;

/// Names a client: its service and its `client-uuid` process tag, empty when it sends none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct ClientKey {
    /// The service name.
    pub service: String,
    /// The `client-uuid` process tag.
    pub uuid: String,
}

/// What is known of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Client {
    /// Who it is.
    #[serde(flatten)]
    pub key: ClientKey,
    /// Batches that arrived, repeated ones not counted.
    pub batches: u64,
    /// Spans in them.
    pub spans: u64,
    /// Batches that were sent and have not arrived, by their numbers.
    pub lost_batches: u64,
    /// Batches that arrived more than once.
    pub repeated_batches: u64,
    /// How often its numbers began anew.
    pub restarts: u64,
    /// What it counted itself, as last told.
    pub stats: ClientStats,
    #[serde(skip)]
    /// When it was last heard.
    pub last_seen: SystemTime,
}

#[derive(Debug, Default)]
pub(crate) struct Clients {
    known: HashMap<ClientKey, (Client, Option<Numbers>)>,
}

impl Clients {
    pub(crate) fn record(&mut self, batch: &Batch) {
        if batch.seq_no.is_none() && batch.stats.is_none() {
            return;
        }
        let key = ClientKey {
            service: shorten(&batch.process.service),
            uuid: batch
                .process
                .tag("client-uuid")
                .map(|tag| shorten(&tag.to_string()))
                .unwrap_or_default(),
        };
        if self.known.len() >= MAX_CLIENTS && !self.known.contains_key(&key) {
            self.forget_the_most_silent();
        }
        let (client, numbers) = self
            .known
            .entry(key)
            .or_insert_with_key(|key| (Client::new(key.clone()), None));
        client.last_seen = SystemTime::now();
        if let Some(number) = batch.seq_no.filter(|number| *number >= 0) {
            match numbers {
                Some(numbers) => match numbers.record(number) {
                    Came::Expected => {}
                    Came::Repeated => {
                        client.repeated_batches += 1;
                        return;
                    }
                    Came::Anew { lost } => {
                        client.restarts += 1;
                        client.lost_batches += lost;
                    }
                },
                None => *numbers = Some(Numbers::from(number)),
            }
        }
        client.batches += 1;
        client.spans += batch.spans.len() as u64;
        if let Some(stats) = batch.stats {
            client.stats = stats;
        }
    }

    /// All clients, by service.
    pub(crate) fn list(&self) -> Vec<Client> {
        let mut list: Vec<_> = self
            .known
            .values()
            .map(|(client, numbers)| {
                let missing = numbers.as_ref().map_or(0, Numbers::missing);
                Client {
                    lost_batches: client.lost_batches + missing,
                    ..client.clone()
                }
            })
            .collect();
        list.sort_by(|a, b| a.key.cmp(&b.key));
        list
    }

    fn forget_the_most_silent(&mut self) {
        if let Some(key) = self
            .known
            .values()
            .min_by_key(|(c, _)| c.last_seen)
            .map(|(c, _)| c.key.clone())
        {
            self.known.remove(&key);
        }
    }
}

impl Client {
    fn new(key: ClientKey) -> Self {
        Self {
            key,
            batches: 0,
            spans: 0,
            lost_batches: 0,
            repeated_batches: 0,
            restarts: 0,
            stats: ClientStats::default(),
            last_seen: SystemTime::UNIX_EPOCH,
        }
    }
}

/// The batch numbers of one run of a client.
#[derive(Debug, Clone)]
struct Numbers {
    first: i64,
    last: i64,
    /// How many different numbers came.
    came: u64,
    /// Bit n: the number `last - n` came.
    window: u128,
}

impl Numbers {
    fn from(number: i64) -> Self {
        Self {
            first: number,
            last: number,
            came: 1,
            window: 1,
        }
    }

    fn missing(&self) -> u64 {
        (self.last - self.first + 1) as u64 - self.came
    }

    fn record(&mut self, number: i64) -> Came {
        // Neither is negative, so the difference fits.
        let ahead = number - self.last;
        let behind = -ahead;
        if ahead > MAX_GAP || behind > i64::from(WINDOW).max(self.last - self.first) {
            return self.begin_anew(number);
        }
        if ahead > 0 {
            self.window = u32::try_from(ahead)
                .ok()
                .and_then(|by| self.window.checked_shl(by))
                .unwrap_or(0)
                | 1;
            self.last = number;
        } else if behind < i64::from(WINDOW) {
            let bit = 1u128 << behind;
            if self.window & bit != 0 {
                return Came::Repeated;
            }
            self.window |= bit;
            self.first = self.first.min(number);
        } else if number == 1 {
            return self.begin_anew(number);
        } else {
            // Too late to say; the honest mistake is to leave it lost.
            return Came::Repeated;
        }
        self.came += 1;
        Came::Expected
    }

    fn begin_anew(&mut self, number: i64) -> Came {
        let lost = self.missing();
        *self = Self::from(number);
        Came::Anew { lost }
    }
}

/// How a batch number came.
enum Came {
    Expected,
    Repeated,
    /// The client began anew; `lost` batches of its last run never came.
    Anew {
        lost: u64,
    },
}

fn shorten(name: &str) -> String {
    name[..name.floor_char_boundary(MAX_NAME)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What remains of a run of numbers: (lost, repeated, restarts).
    fn after(numbers: &[i64]) -> (u64, u64, u64) {
        let mut clients = Clients::default();
        for number in numbers {
            let process = crate::model::Process {
                service: "s".into(),
                tags: Box::default(),
            };
            clients.record(&Batch {
                process: process.into(),
                spans: vec![],
                seq_no: Some(*number),
                stats: None,
            });
        }
        let client = &clients.list()[0];
        (
            client.lost_batches,
            client.repeated_batches,
            client.restarts,
        )
    }

    #[test]
    fn gaps_are_lost_until_they_are_filled() {
        for (numbers, expected) in [
            (&[1, 2, 3][..], (0, 0, 0)),
            (&[1, 2, 5], (2, 0, 0)),
            (&[1, 2, 5, 4], (1, 0, 0)),
            (&[1, 5, 3, 4, 2], (0, 0, 0)),
            (&[2, 1, 3], (0, 0, 0)),
            (&[40, 41], (0, 0, 0)),
            (&[1, 2, 2, 1], (0, 2, 0)),
            (&[1, 1_000], (998, 0, 0)),
            (&[1, 1_000, 999], (997, 0, 0)),
            (&[1, 2, 4, i64::MAX], (1, 0, 1)),
            (&[i64::MAX, 1, 2], (0, 0, 1)),
            (&[1_000, 1, 2, 4], (1, 0, 1)),
            (&[-5, i64::MIN, 1], (0, 0, 0)),
        ] {
            assert_eq!(after(numbers), expected, "{numbers:?}");
        }
        // A restart after a long run, far behind the window: number 1 says it.
        let mut long: Vec<i64> = (1..=500).collect();
        long.extend([1, 2, 3]);
        assert_eq!(after(&long).2, 1);
    }

    #[test]
    fn clients_are_bounded() {
        let mut clients = Clients::default();
        for n in 0..2 * MAX_CLIENTS {
            let process = crate::model::Process {
                service: format!("s{n}").into(),
                tags: Box::default(),
            };
            clients.record(&Batch {
                process: process.into(),
                spans: vec![],
                seq_no: Some(1),
                stats: None,
            });
        }
        assert_eq!(clients.list().len(), MAX_CLIENTS);
    }
}
