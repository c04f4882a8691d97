//! Whether the touches are those of somebody who works through a list of ports, the one that he reached among
//! them: he asks for each as any client does, and one of them opened meanwhile. Who knocks does not come for
//! what he knocks on.

use super::arrivals::Arrival;
use super::change::{Effect, listens_on, only_for, rule_of};
use super::door::Door;
use super::exposure::Tie;
use super::knock::Knock;
use super::opening::TiedChange;
use super::picture::{Picture, own_addresses};
use super::rules::admits;
use crate::context::Context;
use crate::model::{Span, Timestamp, Transport};
use std::collections::BTreeSet;

/// A rule for a tenth of all ports spells them out, one for more does not: by chance three ports fall into a
/// tenth once in a thousand.
const SPELLED_OUT: usize = 6_553;
/// A list is worked through within the time that a sequence may take (knockd's SEQ_TIMEOUT).
const ROUND: Span = Span::seconds(25);

/// How a list of ports shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// The ports follow one another.
    Run,
    /// Each was tried again, as by a client without an answer.
    Retried,
    /// After the change all were tried anew.
    Anew,
}

impl Listed {
    /// What is said of it.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Run => {
                "the touched ports follow one another, and the port reached is one of them or the next: clients try \
                 the ports of a range until one answers"
            }
            Self::Retried => {
                "the source asked for each touched port again, and the port reached is one of them: clients do that \
                 where nobody answers"
            }
            Self::Anew => {
                "the source had been turned away at the port, and after the change tried the others anew beside it: \
                 whoever checks a list of ports does that"
            }
        }
    }
}

impl Picture<'_> {
    /// Of the touched ports, those that the source reached then, that began to listen, or that a rule for few
    /// ports let in.
    pub(super) fn came(&self, arrival: &Arrival, context: &Context) -> BTreeSet<u16> {
        let source = self.knock.source;
        let (from, to) = (self.knock.first(), arrival.time());
        let arrivals = self.door.arrivals.between(from, Timestamp::MAX);
        let reached = arrivals
            .filter(|a| a.remote.address == source)
            .map(|a| a.port);
        let listening = self.door.changes.between(from, to);
        let served = listening
            .filter(|c| c.effect == Effect::Listens)
            .filter_map(|c| listens_on(c).map(|(_, port)| port));
        let mut came: BTreeSet<u16> = reached.chain(served).collect();
        let ports = self.knock.ports();
        let opening = self.door.changes.between(from, to);
        for rule in opening
            .filter(|c| c.effect == Effect::Opens)
            .filter_map(rule_of)
        {
            let lets_in = rule.local_ports.width() <= SPELLED_OUT
                && admits(rule, source, None, own_addresses(self.place, context));
            came.extend(
                ports
                    .iter()
                    .filter(|port| lets_in && rule.local_ports.covers(**port)),
            );
        }
        came.retain(|port| ports.contains(port));
        came
    }

    /// What is said where clients try on their own all of the touched ports, those left out that came of it:
    /// what somebody tries to get to a service is no knock because the service is installed for him then.
    pub fn plain(&self, context: &Context) -> Option<&'static str> {
        if self.knock.only_client_ports() {
            return Some("the touched ports are ones that clients try on their own");
        }
        let arrival = self
            .arrival
            .filter(|a| a.remote.address == self.knock.source)?;
        let came = self.came(arrival, context);
        self.knock.only_client_ports_but(&came).then_some(
            "the touched ports, without those that opened then, are ones that clients try on their own",
        )
    }

    /// Whether the port reached is one of a list that the source works through. A rule for it alone is made for
    /// whoever knocks, and for whoever asks for it: where the list is not tried anew, it is no doubt.
    pub(super) fn listed(&self) -> Option<Listed> {
        let source = self.knock.source;
        let arrival = self.arrival.filter(|a| a.remote.address == source)?;
        if tried_anew(self.door, self.knock, arrival, &self.tied) {
            return Some(Listed::Anew);
        }
        if self.tied.iter().any(|t| only_for(t.change, source)) {
            return None;
        }
        let ports = self.knock.ports();
        let named = ports.contains(&arrival.port);
        // Who tries a range ends at the port that answers.
        let mut in_turn = ports;
        in_turn.extend((!named).then_some(arrival.port));
        match () {
            () if is_a_run(&in_turn) => Some(Listed::Run),
            () if named && self.knock.was_all_retried() => Some(Listed::Retried),
            () => None,
        }
    }
}

/// True if the source of an arrival had been turned away at the port it reached, and since the change tried all
/// the others of the sequence again about when it came in.
fn tried_anew(door: &Door, knock: &Knock, arrival: &Arrival, tied: &[TiedChange<'_>]) -> bool {
    let source = knock.source;
    let telling = tied.iter().rev().filter(|t| t.tie > Tie::Weak);
    let change = telling.max_by_key(|t| t.tie);
    let since = change.map_or(knock.last().event.time, |t| t.change.event.time);
    let about = |at: Timestamp| at > since && at.since(arrival.time()).abs() <= ROUND;
    let turned_away = |port| {
        let port = (Transport::TCP, port);
        door.touches.turned_away(source, port, Timestamp::MAX)
    };
    let reached = |port: u16| {
        let mut came = door.arrivals.between(since, Timestamp::MAX);
        came.any(|a| a.remote.address == source && a.port == port && about(a.time()))
    };
    let ports = knock.ports();
    let mut others = ports.iter().filter(|port| **port != arrival.port);
    turned_away(arrival.port).any(|at| at <= since)
        && others.all(|port| turned_away(*port).any(about) || reached(*port))
}

/// True for ports that were tried one after the other, each the next higher.
fn is_a_run(ports: &[u16]) -> bool {
    ports
        .windows(2)
        .all(|pair| pair[0].checked_add(1) == Some(pair[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_ports_rises_by_one() {
        assert!(is_a_run(&[27_000, 27_001, 27_002]));
        assert!(!is_a_run(&[27_002, 27_001, 27_000]) && !is_a_run(&[7_000, 8_000, 9_000]));
        assert!(!is_a_run(&[u16::MAX, 0]));
    }
}
