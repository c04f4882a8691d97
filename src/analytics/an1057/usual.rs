//! Contacts with usual targets: what a host completes on several earlier days, by the same program on
//! the same port, is no enumeration. They are not counted; what they would have been is told.

use super::detect::{Asked, Focus, detect};
use super::near::Near;
use super::recent::{Heard, Probe, Recent, Shares};
use super::scan::Scan;
use super::settings::EnumerationSettings;
use super::{Enumeration, telling, tools};
use crate::analytics::kit::contact::{Contact, Form};
use crate::context::Context;
use crate::model::Span;

impl Enumeration {
    /// True for a contact with a usual target. A question to the segment is usual for whoever is
    /// reached on any port; nothing is usual for a program that is called like a scanner.
    pub(super) fn is_usual(&self, contact: &Contact<'_>, context: &Context) -> bool {
        let days = u64::from(self.settings.usual_days);
        let (remote, time) = (contact.remote, contact.event.time);
        let port = (contact.form != Form::Resolution).then_some((contact.transport, remote.port));
        let place = contact.from;
        let target = (remote.address, port);
        let baseline = &context.baseline;
        baseline.is_usual(place, contact.image(), target, days, time)
            && contact.actor.is_none_or(|actor| {
                let host = context.identity.named(&actor.computer);
                let started = host.and_then(|host| telling::instance(actor, host, time, context));
                tools::of_process(&actor.process.image, started).is_none()
            })
    }
}

/// The usual targets of a key within the longest window.
#[derive(Default)]
pub(super) struct Usual {
    recent: Recent,
    /// The largest that would have been a scan.
    near: Option<Near>,
}

impl Usual {
    /// Takes in a contact; true if its target is new.
    pub fn hear(
        &mut self,
        probe: &Probe,
        longest: Span,
        program: bool,
        settings: &EnumerationSettings,
    ) -> bool {
        let heard = self.recent.hear(probe, longest);
        let held = [Shares::port(probe), Shares::address(probe)]
            .map(|shared| self.recent.counts(shared).contacts);
        // Asked for every contact: it is told anew when it has doubled.
        let larger = |near: &Near| near.is_doubled_by(held[0].max(held[1]));
        if heard != Heard::Nothing && self.near.as_ref().is_none_or(larger) {
            let asked = Asked {
                settings,
                program,
                tool: None,
            };
            let hit = detect(&self.recent, probe, &asked).hits.into_iter().next();
            let near = hit.and_then(|hit| {
                let of: Vec<&Probe> = self.recent.all().filter(|p| hit.focus.holds(p)).collect();
                Near::usual(&hit, &of, settings)
            });
            self.near = near.or(self.near.take());
        }
        heard == Heard::First
    }

    /// How many of `focus` came since a scan began that did not look at them yet.
    pub fn beside(&self, scan: &Scan, focus: Focus) -> u64 {
        let missed = |p: &&Probe| p.time >= scan.first && focus.holds(p) && !scan.holds(p);
        self.recent.all().filter(missed).count() as u64
    }

    /// What would have been a scan.
    pub fn near(&mut self) -> Option<Near> {
        self.near.take()
    }

    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.recent.weight()
    }
}
