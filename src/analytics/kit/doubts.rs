//! What speaks against a sequence whatever its changes are: old connections logged again, clients that
//! wait, silence that nobody could have broken. It holds a finding down in every analytic that tells it.

use super::arrivals::Arrival;
use super::change::{Effect, listener_of, listens_on, only_for};
use super::exposure::Tie;
use super::listed::Listed;
use super::opening::Opened;
use super::picture::{Picture, own_addresses};
use crate::context::{Context, Place};
use crate::eventlog::normalise::image::image_key;
use crate::model::finding::{ScoreItem, Severity};
use crate::model::net::FIRST_DYNAMIC_PORT;
use crate::model::{Span, Timestamp, What};

impl Picture<'_> {
    /// What speaks against it; `least` is the number of ports of a sequence.
    pub fn doubts(&self, least: usize, context: &Context) -> Doubts {
        Doubts {
            relogged: self.arrival.is_some_and(|a| self.may_be_logged_again(a)),
            empty: self.arrival.is_some_and(|a| a.empty && !a.logged),
            awaited: self.awaited(least, context),
            deaf: self.is_deaf(context),
            not_in_force: self.is_not_in_force(),
            given: self.is_given(),
            not_the_first: matches!(self.opened(), Some(Opened::ByAnother { .. })),
            swept: self.is_swept(context),
            listed: self.listed(),
        }
    }

    /// True if the source tried each of the touched ports on many other hosts as well, and no rule is for it
    /// alone.
    fn is_swept(&self, context: &Context) -> bool {
        let (source, at) = (self.knock.source, self.knock.first());
        let own = match &self.place {
            Place::Address(address) => std::slice::from_ref(address),
            Place::Host(_) => own_addresses(self.place, context),
        };
        let ports = self.knock.ports();
        let many = |port: &u16| context.sweeps.others(source, *port, at, own) > SWEPT;
        ports.iter().all(many) && !self.tied.iter().any(|t| only_for(t.change, source))
    }

    /// True if all that ties to the port are rules for profiles of which the log says that others were
    /// active.
    fn is_not_in_force(&self) -> bool {
        let strongest = self.tied.iter().map(|t| t.tie).max();
        let mut leading = self
            .tied
            .iter()
            .filter(|t| Some(t.tie) == strongest && t.tie > Tie::Weak)
            .peekable();
        leading.peek().is_some() && {
            let at = self.arrival.map_or(Timestamp::MAX, Arrival::time);
            leading.all(|t| !self.door.changes.is_in_force(t.change, at))
        }
    }

    /// Whether a client that waits for a service, or for several of one suite, leaves the same picture:
    /// without the ports that it reached then, that began to listen, or that a rule for few ports let in, fewer
    /// than the `least` ports of a sequence are left, and it tried again, or none is left. Tools that knock send
    /// one SYN and do not ask again, and what they knock on is not what they come for.
    fn awaited(&self, least: usize, context: &Context) -> Option<Awaited> {
        let arrival = self.arrival?;
        let came = self.came(arrival, context);
        let ports = self.knock.ports();
        let others = ports.iter().filter(|port| !came.contains(port)).count();
        match others {
            0 => Some(Awaited::All),
            _ if others < least && self.knock.was_retried() => Some(Awaited::Again),
            _ => None,
        }
    }

    /// True if a service may have told the source which port to use: the port is one of those that Windows
    /// gives for a while, nothing but its listener opened it, and the source had reached another port of one
    /// that tells of it. RPC and FTP work like this: a mapper of ports tells of any program, others of their own
    /// ports.
    fn is_given(&self) -> bool {
        let Some(arrival) = self.arrival else {
            return false;
        };
        let mut opening = self.tied.iter().filter(|t| t.tie > Tie::Weak).peekable();
        let listeners =
            opening.peek().is_some() && opening.all(|t| t.change.effect == Effect::Listens);
        let mut changes = self.tied.iter().map(|t| t.change);
        let listens = changes.find(|c| c.effect == Effect::Listens);
        let listens = listens.and_then(listener_of);
        let told_by = |other: &Arrival| match (&other.holder, &listens) {
            _ if MAPPERS.contains(&other.port) => true,
            (Some(holder), Some(listens)) => image_key(holder) == image_key(listens),
            // Who holds it is not told.
            _ => true,
        };
        let earlier = self.door.arrivals.between(Timestamp::MIN, arrival.time());
        let mut of_the_source = earlier.filter(|a| {
            a.remote.address == arrival.remote.address && a.transport == arrival.transport
        });
        arrival.port >= FIRST_DYNAMIC_PORT
            && listeners
            && of_the_source.any(|a| a.port != arrival.port && told_by(a))
    }

    /// True if the arrival is a 5156 alone, soon after a rule change: Windows logs live connections
    /// again then. Not where its very endpoints were turned away before, or the port listens only since the
    /// touches: such a connection is new.
    fn may_be_logged_again(&self, arrival: &Arrival) -> bool {
        let only_5156 = match &arrival.event.what {
            What::Host(host) => host.event_id == 5156 && arrival.also.is_empty(),
            _ => false,
        };
        let turned_away = self.knock.touches.iter().any(|touch| {
            touch.logged
                && (touch.source, touch.source_port)
                    == (arrival.remote.address, arrival.remote.port)
                && (touch.transport, touch.port) == (arrival.transport, arrival.port)
                && touch.event.time < arrival.time()
        });
        let since_the_touches = self
            .door
            .changes
            .between(self.knock.first(), arrival.time())
            .any(|c| listens_on(c) == Some((arrival.transport, arrival.port)) && !c.again);
        only_5156
            && !turned_away
            && !since_the_touches
            && self.tied.iter().any(|t| {
                t.change.effect != Effect::Listens
                    && (Span::ZERO..=RELOG).contains(&arrival.time().since(t.change.event.time))
            })
    }

    /// True if silence is all that shows the touched ports closed, and the captures that show it hold no
    /// answer of this host, or of anybody: they may hold one direction only.
    fn is_deaf(&self, context: &Context) -> bool {
        let wire = context.coverage.wire();
        let sides = match self.place {
            Place::Address(address) => wire.sides([&address]),
            Place::Host(_) => wire.sides(own_addresses(self.place, context)),
        };
        let shown = self
            .knock
            .touches
            .iter()
            .filter(|touch| touch.on_the_wire());
        let captures = shown.map(|touch| touch.event.provenance.evidence);
        self.knock.touches.iter().all(|touch| !touch.explicit())
            && (sides.one_sided() || wire.lacks_answers(captures))
    }
}

/// Ports whose service tells clients the ports of others: ONC and Microsoft RPC, the latter over HTTP as well.
const MAPPERS: [u16; 3] = [111, 135, 593];
/// A source that tried the same ports of more than so many other hosts sweeps the network.
const SWEPT: usize = 3;
/// A 5156 alone this soon after a rule change may be a live connection logged again.
const RELOG: Span = Span::seconds(4);

/// How a client that waits shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// Every touched port was reached or served then, or let in.
    All,
    /// Too few are left without those, and the source tried again.
    Again,
}

impl Awaited {
    fn reason(self) -> &'static str {
        match self {
            Self::All => {
                "each touched port was reached or served then, or let in by a rule for few ports: whoever waits for \
                 services asks for those"
            }
            Self::Again => {
                "what is left without the ports reached or served then is too little for a sequence, and the source \
                 tried again: whoever waits for a service does that, too"
            }
        }
    }
}

/// What speaks against a sequence, whichever analytic tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doubts {
    /// The connection may be an old one that Windows logged again.
    pub relogged: bool,
    /// The connection carried no payload, and no record of the host confirms it.
    pub empty: bool,
    /// A client that waits for a service leaves the same picture.
    pub awaited: Option<Awaited>,
    /// That the touched ports were closed rests on silence that the captures could not have broken.
    pub deaf: bool,
    /// The rule is for profiles of the firewall that were not active, as far as the log tells.
    pub not_in_force: bool,
    /// A service of the host may have told the source which port to use.
    pub given: bool,
    /// Another source came in through the door before.
    pub not_the_first: bool,
    /// The source tried the same ports of many other hosts around that time.
    pub swept: bool,
    /// The port is one of a list that the source works through.
    pub listed: Option<Listed>,
}

impl Doubts {
    /// The severity that a finding can reach.
    pub fn ceiling(self) -> Severity {
        if self.relogged || self.awaited.is_some() || self.deaf || self.not_in_force || self.given {
            Severity::Low
        } else if self.empty || self.not_the_first || self.swept || self.listed.is_some() {
            Severity::Medium
        } else {
            Severity::High
        }
    }

    /// The confidence that a finding can reach.
    pub fn cap(self) -> i32 {
        if self.relogged || self.deaf { 39 } else { 100 }
    }

    /// The points they take.
    pub fn score(self) -> Vec<ScoreItem> {
        let items = [
            (self.awaited.map(Awaited::reason), -25),
            (self.relogged.then_some(RELOGGED), -25),
            (self.deaf.then_some(DEAF), -25),
            (self.not_in_force.then_some(NOT_IN_FORCE), -25),
            (self.given.then_some(GIVEN), -25),
            (self.swept.then_some(SWEEP), -25),
            (self.empty.then_some(EMPTY), -15),
            (self.not_the_first.then_some(NOT_THE_FIRST), -15),
            (self.listed.map(Listed::reason), -15),
        ];
        let item = |(reason, points): (Option<&str>, i32)| {
            Some(ScoreItem {
                reason: reason?.to_owned(),
                points,
            })
        };
        items.into_iter().filter_map(item).collect()
    }
}

const RELOGGED: &str = "the connection is known from a 5156 alone, right after a rule change: Windows logs live \
                        connections again then";
const DEAF: &str = "that the ports were closed rests on silence, and the captures that show it hold no answer of this host: \
                    they may hold one direction only";
const NOT_IN_FORCE: &str =
    "the rule is for profiles of the firewall that were not active, as far as the log tells";
const GIVEN: &str = "the source had reached another port of the host before, and this one is dynamic: RPC and FTP tell their \
                     clients such ports";
const SWEEP: &str = "the source tried the same ports of more than three other hosts within ten minutes: a sweep of the \
                     network meets installations";
const EMPTY: &str = "the connection carried no payload, and no host record confirms it";
const NOT_THE_FIRST: &str = "another source was the first to come in after the change";

#[cfg(test)]
mod tests {
    use super::*;

    /// Each doubt alone: how its reason begins, its points, and the severity and confidence it leaves.
    fn each() -> [(Doubts, &'static str, i32, Severity, i32); 12] {
        let none = Doubts::default();
        let (low, medium) = (Severity::Low, Severity::Medium);
        let awaited = |how| Doubts {
            awaited: Some(how),
            ..none
        };
        let listed = |how| Doubts {
            listed: Some(how),
            ..none
        };
        [
            (
                awaited(Awaited::All),
                "each touched port was reached or served then",
                -25,
                low,
                100,
            ),
            (
                awaited(Awaited::Again),
                "what is left without the ports reached",
                -25,
                low,
                100,
            ),
            (
                Doubts {
                    relogged: true,
                    ..none
                },
                "the connection is known from a 5156 alone",
                -25,
                low,
                39,
            ),
            (
                Doubts { deaf: true, ..none },
                "that the ports were closed rests on silence",
                -25,
                low,
                39,
            ),
            (
                Doubts {
                    not_in_force: true,
                    ..none
                },
                "the rule is for profiles of the firewall",
                -25,
                low,
                100,
            ),
            (
                Doubts {
                    given: true,
                    ..none
                },
                "the source had reached another port of the host",
                -25,
                low,
                100,
            ),
            (
                Doubts {
                    swept: true,
                    ..none
                },
                "the source tried the same ports of more than three",
                -25,
                medium,
                100,
            ),
            (
                Doubts {
                    empty: true,
                    ..none
                },
                "the connection carried no payload",
                -15,
                medium,
                100,
            ),
            (
                Doubts {
                    not_the_first: true,
                    ..none
                },
                "another source was the first to come in",
                -15,
                medium,
                100,
            ),
            (
                listed(Listed::Run),
                "the touched ports follow one another",
                -15,
                medium,
                100,
            ),
            (
                listed(Listed::Retried),
                "the source asked for each touched port again",
                -15,
                medium,
                100,
            ),
            (
                listed(Listed::Anew),
                "the source had been turned away at the port",
                -15,
                medium,
                100,
            ),
        ]
    }

    #[test]
    fn each_doubt_has_its_reason_its_points_and_its_limits() {
        for (doubt, reason, points, ceiling, cap) in each() {
            let score = doubt.score();
            assert_eq!(score.len(), 1, "{reason}");
            assert!(score[0].reason.starts_with(reason), "{}", score[0].reason);
            assert_eq!(score[0].points, points, "{reason}");
            assert_eq!((doubt.ceiling(), doubt.cap()), (ceiling, cap), "{reason}");
        }
    }

    #[test]
    fn nothing_is_said_without_a_doubt_and_of_all_of_them_each_once() {
        let none = Doubts::default();
        assert_eq!(none.score(), []);
        assert_eq!((none.ceiling(), none.cap()), (Severity::High, 100));
        let all = Doubts {
            relogged: true,
            empty: true,
            awaited: Some(Awaited::All),
            deaf: true,
            not_in_force: true,
            given: true,
            not_the_first: true,
            swept: true,
            listed: Some(Listed::Run),
        };
        let points: Vec<i32> = all.score().iter().map(|item| item.points).collect();
        assert_eq!(points, [-25, -25, -25, -25, -25, -25, -15, -15, -15]);
        assert_eq!((all.ceiling(), all.cap()), (Severity::Low, 39));
    }
}
