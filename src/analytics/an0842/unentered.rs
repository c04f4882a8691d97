//! What is said of a port that was opened and that nobody was seen to enter in time: who seems to have come,
//! looked, or came later.

use super::settings::PortKnockSettings;
use crate::analytics::kit::arrivals::Arrival;
use crate::analytics::kit::picture::{Picture, opened_port};
use crate::analytics::kit::unheard;
use crate::context::Context;
use crate::model::finding::{Role, Step};
use crate::model::{Event, Timestamp, Transport, What};
use std::net::IpAddr;

/// The nearest to an entry that the evidence shows.
pub(super) enum Nearest<'a> {
    /// The source's connection to the port went on as after an answer, and the captures hold none.
    WentOn(&'a Event),
    /// The port answered a SYN, and the handshake was not completed.
    Looked(&'a Event),
    /// The first connection to the port came after the window.
    Later(&'a Arrival),
    /// Nothing.
    Nobody,
}

/// What is nearest to an entry by the port that the changes of `picture` opened.
pub(super) fn nearest<'a>(picture: &Picture<'a>, settings: &PortKnockSettings) -> Nearest<'a> {
    let (knock, door) = (picture.knock, picture.door);
    let Some(port) = opened_port(picture) else {
        return Nearest::Nobody;
    };
    let arming = knock.arming().event.time;
    let until = knock.first().shifted(settings.time_window);
    if let Some(event) = door.unheard.by(knock.source, Some(port), arming, until) {
        return Nearest::WentOn(event);
    }
    let since = door.arrivals.open_since(Transport::TCP, port);
    let looked = since.filter(|since| (arming..=until).contains(&since.time));
    if let Some(event) = looked.and_then(|since| since.half_open.as_deref()) {
        return Nearest::Looked(event);
    }
    let later = door.arrivals.between(until, Timestamp::MAX);
    let of_the_port = later.filter(|a| a.port == port && a.transport == Transport::TCP);
    of_the_port
        .min_by_key(|a| a.entry().order())
        .map_or(Nearest::Nobody, Nearest::Later)
}

/// Who made an attempt.
fn by(event: &Event) -> Option<IpAddr> {
    match &event.what {
        What::Attempt(attempt) => Some(attempt.initiator.address),
        _ => None,
    }
}

impl Nearest<'_> {
    /// The last part of a title.
    pub(super) fn title(&self, picture: &Picture<'_>, settings: &PortKnockSettings) -> String {
        let since = |at: Timestamp| at.since(picture.knock.first());
        match self {
            Self::WentOn(_) => {
                "a connection of the source to it went on, and no answer was captured".to_owned()
            }
            Self::Looked(event) => {
                let who = by(event).map_or_else(|| "somebody".to_owned(), |who| who.to_string());
                format!(
                    "{who} found it open {} after the first touch and did not complete the handshake",
                    since(event.time)
                )
            }
            Self::Later(late) => format!(
                "nobody was seen to connect to it within {}, and {} did {} after the first touch",
                settings.time_window,
                late.remote.address,
                since(late.time())
            ),
            Self::Nobody => "nobody was seen to connect to it".to_owned(),
        }
    }

    /// What is left open.
    pub(super) fn leaves_open(&self, picture: &Picture<'_>, context: &Context) -> String {
        match self {
            Self::WentOn(event) => format!(
                "the source came, but whether it was let in is not shown: {}",
                unheard::sentence(event, context)
            ),
            Self::Looked(event) => format!(
                "a SYN was answered at the port ({}), and no completed handshake was seen; what was read may end \
                 before one, or the sensor may not see it",
                context.labels.place(&event.provenance)
            ),
            Self::Later(late) => format!(
                "the first that was seen, by {}, came {} after the first touch; one before, which the sensor did not \
                 see, is not excluded",
                late.remote.address,
                late.time().since(picture.knock.first())
            ),
            Self::Nobody => {
                "nobody was seen to come in; what was read may end before, or the sensor may not see it"
                    .to_owned()
            }
        }
    }

    /// What shows it, as a step.
    pub(super) fn step(&self) -> Option<Step> {
        let (event, remark) = match self {
            Self::WentOn(event) => (*event, "no answer was captured"),
            Self::Looked(event) => (*event, "the port answered; the handshake was not completed"),
            Self::Later(late) => (&late.event, "later than TimeWindow allows"),
            Self::Nobody => return None,
        };
        Some(Step {
            role: Role::Context,
            event: event.clone(),
            also: Vec::new(),
            remark: remark.to_owned(),
        })
    }
}
