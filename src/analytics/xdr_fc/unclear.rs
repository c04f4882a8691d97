//! Attempts of which no evidence tells what became, to targets that may be missing: how many at most,
//! and what is lacking.

use crate::analytics::kit::contact::Contact;
use crate::analytics::room::tree;
use crate::context::activity::INACTIVE_AFTER;
use crate::context::coverage::SysmonAbout;
use crate::context::{Context, Place};
use crate::model::finding::NearMiss;
use crate::model::{Provenance, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Targets remembered; far above what is worth saying.
const TARGETS: usize = 256;
/// Attempts cited.
const CITED: usize = 4;

/// The attempts of the test period.
#[derive(Clone, Debug, Default)]
pub struct Unclear {
    /// Each target with its last attempt.
    held: BTreeMap<IpAddr, (Timestamp, Provenance)>,
    /// The same by time, so that what falls out of the test period is found at once.
    order: BTreeSet<(Timestamp, IpAddr)>,
    most: Option<Most>,
}

/// The most of them within a test period.
#[derive(Clone, Debug)]
struct Most {
    count: u32,
    /// The last of them, its program and port.
    time: Timestamp,
    program: String,
    port: u16,
    cited: Vec<Provenance>,
}

impl Unclear {
    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        tree::<IpAddr, (Timestamp, Provenance)>(self.held.len())
            + tree::<(Timestamp, IpAddr), ()>(self.order.len())
    }

    /// An attempt that may have failed: nobody knows whether its target was there. `since` begins the test
    /// period.
    pub fn wonder(&mut self, contact: &Contact<'_>, since: Timestamp, context: &Context) {
        while let Some((last, old)) = self.order.first().copied()
            && last < since
        {
            self.order.pop_first();
            self.held.remove(&old);
        }
        let (address, event) = (contact.remote.address, contact.event);
        let life = context.activity.state(address, event.time, INACTIVE_AFTER);
        if context.assets.is_internal(address)
            && life.is_missing(context.activity.listening(event.time))
            && (self.held.len() < TARGETS || self.held.contains_key(&address))
        {
            let new = (event.time, event.provenance);
            if let Some((before, _)) = self.held.insert(address, new) {
                self.order.remove(&(before, address));
            }
            self.order.insert((event.time, address));
        }
        let count = self.held.len() as u32;
        if self.most.as_ref().is_none_or(|most| count > most.count) {
            let first = self.order.iter().take(CITED);
            self.most = Some(Most {
                count,
                time: event.time,
                program: contact.image().to_owned(),
                port: contact.remote.port,
                cited: first
                    .filter_map(|(_, address)| Some(self.held.get(address)?.1))
                    .collect(),
            });
        }
    }

    /// The near miss of at least so many.
    pub fn near_miss(
        &self,
        analytic: &'static str,
        place: Place,
        least: u32,
        context: &Context,
    ) -> Option<NearMiss> {
        let most = self.most.as_ref().filter(|most| most.count >= least)?;
        Some(NearMiss {
            analytic,
            missing: most.count,
            time: most.time,
            text: format!(
                "{} tried {} hosts that may be missing, and no evidence tells what became of it: no packets of \
                 them, and {}",
                crate::analytics::kit::picture::host_words(place, context),
                most.count,
                lacking(place, most, context),
            ),
            references: most.cited.clone(),
        })
    }
}

/// What Sysmon logged of the program of the last attempt, and why that does not tell.
fn lacking(place: Place, most: &Most, context: &Context) -> String {
    let nothing = "no sign that Sysmon logged connections (event 3) of that program and port";
    let Place::Host(host) = place else {
        return nothing.to_owned();
    };
    let coverage = &context.coverage;
    let when = |time: Timestamp| format!("{} {}", time.date(), time.clock(0));
    match coverage.sysmon_about(host, &most.program, most.port, most.time) {
        SysmonAbout::Nothing => nothing.to_owned(),
        SysmonAbout::Before(last) => format!(
            "Sysmon logged connections (event 3) of that program and port up to {} and none soon after it",
            when(last)
        ),
        SysmonAbout::After(first) => format!(
            "Sysmon logged connections (event 3) of that program and port from {} on and none shortly before it",
            when(first)
        ),
        SysmonAbout::Around { from, to, broken } => {
            let between = format!(
                "Sysmon logged connections (event 3) of that program and port at {} and {}",
                when(from),
                when(to)
            );
            match broken {
                Some(why) => format!("{between}, but {why}"),
                None => format!("{between}, too far from some of them"),
            }
        }
    }
}
