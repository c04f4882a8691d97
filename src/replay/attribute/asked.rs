//! Questions to the segment that nobody answered, and the records of the connections they were for.
//!
//! Windows logs a connection when it is allowed (5156, layer of connect), before its first packet.
//! On the own segment that packet needs the target's hardware address; where nobody answers for it,
//! no packet leaves, and the question is all that the wire shows. The record still stands for the
//! connection, which failed; the question carries the process.

use super::Attribution;
use crate::analytics::kit::contact::outgoing;
use crate::model::neighbour::Heard;
use crate::model::{Event, Socket, What};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::net::IpAddr;

/// Questions or records of the same two addresses that wait at a time; later ones are not looked at.
const SAME: usize = 64;

/// Who asks or reaches, and for whom.
type Pair = (IpAddr, IpAddr);

/// What waits, by its addresses. Asked, never walked in its own order.
#[derive(Default)]
pub(super) struct Questions {
    questions: HashMap<Pair, Vec<u64>, RandomState>,
    records: HashMap<Pair, Vec<u64>, RandomState>,
}

impl Questions {
    /// Forgets an event that leaves.
    pub fn forget(&mut self, number: u64, event: &Event) {
        let Some(pair) = pair_of(event) else { return };
        for table in [&mut self.questions, &mut self.records] {
            if let Some(numbers) = table.get_mut(&pair) {
                numbers.retain(|n| *n != number);
                if numbers.is_empty() {
                    table.remove(&pair);
                }
            }
        }
    }
}

/// The addresses of an unanswered question, or of a record of an outgoing connection.
fn pair_of(event: &Event) -> Option<Pair> {
    match &event.what {
        What::Solicitation(asked) if asked.outcome == Heard::Unanswered => {
            Some((asked.asker, asked.target))
        }
        What::Host(host) => {
            let (_, _, local, remote) = outgoing(&host.what)?;
            Some((local.address, remote.address))
        }
        _ => None,
    }
}

impl Attribution<'_> {
    /// A question, or a record that stands for its connection.
    pub(super) fn hear_question(&mut self, number: u64) {
        let Some(event) = self.waiting.get(number) else {
            return;
        };
        let Some(pair) = pair_of(event) else { return };
        let asks = matches!(event.what, What::Solicitation(_));
        let (own, others) = if asks {
            (&mut self.asked.questions, &self.asked.records)
        } else {
            (&mut self.asked.records, &self.asked.questions)
        };
        let others = others.get(&pair).cloned().unwrap_or_default();
        let numbers = own.entry(pair).or_default();
        if numbers.len() < SAME {
            numbers.push(number);
        }
        for other in others {
            let (question, record) = if asks {
                (number, other)
            } else {
                (other, number)
            };
            if self.near(question, record) {
                self.unresolved(question, record);
            }
        }
    }

    fn unresolved(&mut self, question: u64, record: u64) {
        let Some(asked) = self.waiting.get(question) else {
            return;
        };
        let What::Solicitation(told) = &asked.what else {
            return;
        };
        let known = (asked.provenance, told.decided);
        let Some(What::Host(host)) = self.waiting.get_mut(record).map(|e| &mut e.what) else {
            return;
        };
        // A connection that was made needed no answer to this question.
        let Some(Socket::First {
            actor,
            made: None,
            unresolved,
        }) = host.socket.as_deref_mut()
        else {
            return;
        };
        *unresolved = Some(known);
        let actor = actor.clone();
        if let Some(What::Solicitation(asked)) = self.waiting.get_mut(question).map(|e| &mut e.what)
            && asked.actor.is_none()
        {
            asked.actor = Some(Box::new(actor));
        }
    }
}
