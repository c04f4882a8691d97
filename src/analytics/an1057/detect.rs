//! The detectors. Each says what it measured, against which setting, and which contacts it is about.
//!
//! A new contact can only complete what it is part of, so each looks at the new contact's port and
//! address. Windows are closed: exactly the window's length apart is inside. Where less is held of a
//! port or address, in whatever time, than would be near to a scan, no window is looked at.

use super::near::Near;
use super::recent::{Probe, Recent, Shares};
use super::settings::EnumerationSettings;
use super::{sequence, walk::Walk};
use crate::analytics::kit::contact::Form;
use crate::analytics::kit::statistics::shown;
use crate::model::finding::Condition;
use crate::model::{Span, Timestamp, Transport};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Which detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Detector {
    /// Many addresses fail on one port.
    Horizontal,
    /// Many addresses on one port, whatever their outcome.
    Sweep,
    /// Many addresses asked for on the segment.
    Segment,
    /// Many ports of one address fail.
    Vertical,
    /// Many ports of one address, whatever their outcome.
    Ports,
    /// Several sensitive ports of one address.
    Sensitive,
    /// The random walk.
    Walk,
    /// Neighbouring addresses in order.
    Sequence,
    /// A tool's name or command, with connections.
    Tool,
}

impl Detector {
    /// How many of the contacts it is about must be internal for it to be told of those alone. One
    /// address is internal or is not; the walk, a sweep and a sequence count nothing else.
    pub fn least_internal(self, settings: &EnumerationSettings) -> u32 {
        match self {
            Self::Horizontal => settings.scan_rate.min(settings.horizontal_failures),
            Self::Tool => settings.tool_targets,
            Self::Sweep
            | Self::Segment
            | Self::Vertical
            | Self::Ports
            | Self::Sensitive
            | Self::Walk
            | Self::Sequence => 1,
        }
    }

    /// How many contacts tell of it at the least.
    pub fn least(self, settings: &EnumerationSettings) -> u32 {
        match self {
            Self::Horizontal => settings.scan_rate.min(settings.horizontal_failures),
            Self::Tool => settings.tool_targets,
            Self::Sweep => settings.horizontal_targets,
            Self::Segment => settings.segment_sweep,
            Self::Vertical => settings.vertical_failures,
            Self::Ports => settings.vertical_ports,
            Self::Sensitive => settings.sensitive_count,
            Self::Walk => settings.walk_targets,
            Self::Sequence => settings.sequence_length,
        }
    }

    /// True if failures carry it, so that harmless fan-out does not.
    pub fn by_failures(self) -> bool {
        matches!(self, Self::Horizontal | Self::Vertical | Self::Walk)
    }
}

/// Which contacts belong to a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Focus {
    /// Those to one port of any address.
    Port(Form, Transport, u16),
    /// The connections to one address.
    Address(IpAddr),
    /// Those that the walk goes by: TCP and pings to internal addresses.
    Walked,
    /// All but questions to the segment.
    All,
}

impl Focus {
    /// A form of contact that it holds.
    pub fn form(self) -> Form {
        match self {
            Self::Port(form, ..) => form,
            Self::Address(_) | Self::Walked | Self::All => Form::Connection,
        }
    }

    /// True if the contact belongs.
    pub fn holds(self, probe: &Probe) -> bool {
        match self {
            Self::Port(form, transport, port) => {
                (probe.form, probe.transport, probe.remote.port) == (form, transport, port)
            }
            Self::Address(address) => {
                probe.form == Form::Connection && probe.remote.address == address
            }
            Self::Walked => {
                probe.internal
                    && probe.transport != Transport::UDP
                    && probe.form != Form::Resolution
            }
            Self::All => probe.form != Form::Resolution,
        }
    }
}

/// A detector that fired.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub detector: Detector,
    pub focus: Focus,
    pub condition: Condition,
}

/// What is asked of a key beside its contacts.
pub(super) struct Asked<'a> {
    pub settings: &'a EnumerationSettings,
    /// A program is known: contacts of other programs are not among them.
    pub program: bool,
    /// What about the program is a scanner's.
    pub tool: Option<&'a str>,
}

fn hit(detector: Detector, focus: Focus, text: String, setting: String, measured: String) -> Hit {
    Hit {
        detector,
        focus,
        condition: Condition {
            text,
            setting,
            measured,
        },
    }
}

/// What the new contact completes, and the nearest to what it does not.
#[derive(Default)]
pub(super) struct Detected {
    pub hits: Vec<Hit>,
    pub near: Option<Near>,
}

/// What is counted, and from how many within which window it is a scan.
struct Count<'p, T: FnOnce() -> String> {
    detector: Detector,
    focus: Focus,
    text: T,
    probes: &'p [&'p Probe],
    needed: u32,
    window: Span,
    /// More was contacted within the window than is held.
    lost: bool,
}

impl Detected {
    fn count(&mut self, count: Count<'_, impl FnOnce() -> String>) {
        let Count {
            detector,
            focus,
            text,
            probes,
            needed,
            window,
            lost,
        } = count;
        // Asked for every contact, and nearly always far from anything to tell.
        if !Near::is_near(probes.len(), needed) {
            return;
        }
        let text = text();
        let setting = format!("at least {needed} within {window}");
        if probes.len() >= needed as usize {
            let mut measured = counted(probes, lost);
            if detector == Detector::Sensitive {
                measured = named(&measured, probes);
            }
            self.hits
                .push(hit(detector, focus, text, setting, measured));
        } else if let Some(near) = Near::of(&text, &setting, probes, needed)
            && self.near.as_ref().is_none_or(|n| near.nearer_than(n))
        {
            self.near = Some(near);
        }
    }
}

/// The detectors that the new contact completes.
pub(super) fn detect(recent: &Recent, new: &Probe, asked: &Asked<'_>) -> Detected {
    let mut told = Detected::default();
    if new.form == Form::Resolution {
        segment(recent, new, asked.settings, &mut told);
    } else {
        horizontal(recent, new, asked.settings, &mut told);
        vertical(recent, new, asked, &mut told);
    }
    told.hits.extend(in_order(recent, new, asked.settings));
    told.hits.extend(tool(recent, new.time, asked));
    told
}

/// Contacts that come the latest first, turned.
fn earliest_first<'p>(probes: impl Iterator<Item = &'p Probe>) -> Vec<&'p Probe> {
    let mut probes: Vec<&Probe> = probes.collect();
    probes.reverse();
    probes
}

/// How long contacts lasted that come the latest first.
fn lasted<'p>(mut probes: impl Iterator<Item = &'p Probe>) -> String {
    let last = probes.next();
    span(
        &[probes.last().or(last), last]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>(),
    )
}

/// `28 in 54.999 s`, where more than is held was contacted as the least number it can be.
fn counted(probes: &[&Probe], lost: bool) -> String {
    let (count, span) = (probes.len(), span(probes));
    if lost {
        format!("at least {count}, in {span} alone")
    } else {
        format!("{count} in {span}")
    }
}

/// `6 (21, 22, 23, 53, 88, 445) in 15.656 s`: which ports these were.
fn named(measured: &str, probes: &[&Probe]) -> String {
    let ports: BTreeSet<u16> = probes.iter().map(|p| p.remote.port).collect();
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let count = probes.len().to_string();
    measured.replacen(&count, &format!("{count} ({})", ports.join(", ")), 1)
}

fn span(probes: &[&Probe]) -> String {
    match (probes.first(), probes.last()) {
        (Some(first), Some(last)) => last.time.since(first.time).told(),
        _ => String::new(),
    }
}

fn horizontal(recent: &Recent, new: &Probe, settings: &EnumerationSettings, told: &mut Detected) {
    let shared = Shares::port(new);
    let held = recent.counts(shared);
    let focus = Focus::Port(new.form, new.transport, new.remote.port);
    let port = || port_words(new.form, new.transport, new.remote.port);
    if Near::is_near(held.failed, settings.horizontal_failures) {
        let failed = earliest_first(
            recent
                .sharing(shared, new.time, settings.failure_window)
                .filter(|p| p.failed()),
        );
        told.count(Count {
            detector: Detector::Horizontal,
            focus,
            text: || format!("distinct addresses that failed on {}", port()),
            probes: &failed,
            needed: settings.horizontal_failures,
            window: settings.failure_window,
            lost: recent.lost(new.time, settings.failure_window),
        });
    }
    // Half of the known ones failed, and half are known: with fewer failures than a quarter, no window
    // is looked at.
    if Near::is_near(held.contacts.min(held.failed * 4), settings.scan_rate) {
        let soon = || {
            recent
                .sharing(shared, new.time, settings.time_window)
                .filter(|p| p.internal || p.transport == Transport::TCP)
        };
        let fates = Fates::of(soon());
        if Near::is_near(fates.all, settings.scan_rate) && fates.half_failed() {
            told.count(Count {
                detector: Detector::Horizontal,
                focus,
                text: || {
                    format!(
                        "distinct addresses on {}, half of them or more failing",
                        port()
                    )
                },
                probes: &earliest_first(soon()),
                needed: settings.scan_rate,
                window: settings.time_window,
                lost: recent.lost(new.time, settings.time_window),
            });
        }
    }
    if Near::is_near(held.internal, settings.horizontal_targets) {
        let any = || {
            recent
                .sharing(shared, new.time, settings.sweep_window)
                .filter(|p| p.internal)
        };
        if !Near::is_near(any().count(), settings.horizontal_targets) {
            return;
        }
        told.count(Count {
            detector: Detector::Sweep,
            focus,
            text: || {
                format!(
                    "distinct internal addresses on {}, whatever their outcome",
                    port()
                )
            },
            probes: &earliest_first(any()),
            needed: settings.horizontal_targets,
            window: settings.sweep_window,
            lost: recent.lost(new.time, settings.sweep_window),
        });
    }
}

/// How contacts ended.
#[derive(Default)]
struct Fates {
    all: usize,
    known: usize,
    failed: usize,
}

impl Fates {
    fn of<'p>(probes: impl Iterator<Item = &'p Probe>) -> Self {
        probes.fold(Self::default(), |fates, probe| Self {
            all: fates.all + 1,
            known: fates.known + usize::from(probe.fate.failed().is_some()),
            failed: fates.failed + usize::from(probe.failed()),
        })
    }

    /// True if at least half are known, and half of those are failures.
    fn half_failed(&self) -> bool {
        self.known * 2 >= self.all && self.failed * 2 >= self.known
    }
}

fn segment(recent: &Recent, new: &Probe, settings: &EnumerationSettings, told: &mut Detected) {
    let shared = Shares::port(new);
    if !Near::is_near(recent.counts(shared).contacts, settings.segment_sweep) {
        return;
    }
    let asked = earliest_first(recent.sharing(shared, new.time, settings.time_window));
    told.count(Count {
        detector: Detector::Segment,
        focus: Focus::Port(new.form, new.transport, new.remote.port),
        text: || "distinct addresses asked for on the segment".to_owned(),
        probes: &asked,
        needed: settings.segment_sweep,
        window: settings.time_window,
        lost: recent.lost(new.time, settings.time_window),
    });
}

fn vertical(recent: &Recent, new: &Probe, asked: &Asked<'_>, told: &mut Detected) {
    if new.form != Form::Connection {
        return;
    }
    let settings = asked.settings;
    let address = new.remote.address;
    let shared = Shares::address(new);
    let held = recent.counts(shared);
    let focus = Focus::Address(address);
    let ports = |within| {
        recent
            .sharing(shared, new.time, within)
            .filter(|p| p.form == Form::Connection && p.transport == new.transport)
    };
    if Near::is_near(held.failed, settings.vertical_failures) {
        let failed = earliest_first(ports(settings.failure_window).filter(|p| p.failed()));
        told.count(Count {
            detector: Detector::Vertical,
            focus,
            text: || format!("distinct {} ports of {address} that failed", new.transport),
            probes: &failed,
            needed: settings.vertical_failures,
            window: settings.failure_window,
            lost: recent.lost(new.time, settings.failure_window),
        });
    }
    let least = settings.vertical_ports.min(settings.sensitive_count);
    if !Near::is_near(held.contacts, least) {
        return;
    }
    let soon = earliest_first(ports(settings.time_window));
    if new.internal || new.transport == Transport::TCP {
        told.count(Count {
            detector: Detector::Ports,
            focus,
            text: || {
                format!(
                    "distinct {} ports of {address}, whatever their outcome",
                    new.transport
                )
            },
            probes: &soon,
            needed: settings.vertical_ports,
            window: settings.time_window,
            lost: recent.lost(new.time, settings.time_window),
        });
    }
    let sensitive: Vec<&Probe> = soon
        .into_iter()
        .filter(|p| {
            p.transport == Transport::TCP && settings.sensitive_ports.contains(&p.remote.port)
        })
        .collect();
    let lost = sensitive.iter().filter(|p| p.failed()).count();
    // All programs of a host together reach several services of a server at every logon.
    if asked.program || lost * 2 >= sensitive.len() {
        told.count(Count {
            detector: Detector::Sensitive,
            focus,
            text: || format!("distinct ports of SensitivePorts at {address}"),
            probes: &sensitive,
            needed: settings.sensitive_count,
            window: settings.time_window,
            lost: recent.lost(new.time, settings.time_window),
        });
    }
}

/// Addresses one after the other: neighbours in order, or a densely covered network that mostly
/// does not answer.
fn in_order(recent: &Recent, new: &Probe, settings: &EnumerationSettings) -> Option<Hit> {
    let focus = Focus::Port(new.form, new.transport, new.remote.port);
    let shared = Shares::port(new);
    if recent.counts(shared).internal < settings.sequence_length as usize {
        return None;
    }
    let run = || {
        recent
            .sharing(shared, new.time, settings.time_window)
            .filter(|p| p.internal)
    };
    let order = sequence::order(run().map(|p| p.remote.address))?;
    if order.addresses < settings.sequence_length as usize {
        return None;
    }
    let needed = settings.sequence_length as usize;
    let share = order.neighbours * 100 >= settings.sequence_share as usize * (order.addresses - 1);
    if share {
        return Some(hit(
            Detector::Sequence,
            focus,
            "consecutive first contacts that are neighbours by address".to_owned(),
            format!(
                "at least {}% of {needed} or more within {}",
                settings.sequence_share, settings.time_window
            ),
            format!(
                "{} of {}{} in {}; in random order over {} addresses the chance is {}",
                order.neighbours,
                if recent.lost(new.time, settings.time_window) {
                    "the latest "
                } else {
                    ""
                },
                order.addresses - 1,
                lasted(run()),
                order.range,
                shown(order.chance())
            ),
        ));
    }
    let fates = Fates::of(run());
    if !fates.half_failed() {
        return None;
    }
    let addresses: Vec<IpAddr> = run().map(|p| p.remote.address).collect();
    let (net, count, share) = sequence::densest(&addresses)?;
    (count >= needed && share >= 0.5).then(|| {
        hit(
            Detector::Sequence,
            focus,
            format!("addresses of {net}/24 contacted, half of the stretch or more"),
            format!("at least {needed} within {}", settings.time_window),
            format!(
                "{count}, {:.0}% of the stretch, in {}; {} of {} known failed",
                share * 100.0,
                lasted(run()),
                fates.failed,
                fates.known,
            ),
        )
    })
}

fn tool(recent: &Recent, now: Timestamp, asked: &Asked<'_>) -> Option<Hit> {
    let settings = asked.settings;
    let what = asked.tool?;
    let probes = recent.within(now, settings.time_window);
    (probes.len() >= settings.tool_targets as usize).then(|| {
        let probes: Vec<&Probe> = probes.collect();
        hit(
            Detector::Tool,
            Focus::All,
            format!("targets of {what}"),
            format!(
                "at least {} within {}",
                settings.tool_targets, settings.time_window
            ),
            counted(&probes, recent.lost(now, settings.time_window)),
        )
    })
}

/// The hit of the random walk.
pub(super) fn walked(walk: &Walk, settings: &EnumerationSettings) -> Hit {
    hit(
        Detector::Walk,
        Focus::Walked,
        "first contacts fail more often than a harmless host's would (threshold random walk)"
            .to_owned(),
        format!(
            "likelihood ratio above 99; {} failed addresses to be more than information",
            settings.walk_targets
        ),
        format!(
            "{} failed addresses in {}: {}",
            walk.failures,
            walk.lasted().told(),
            walk.trajectory()
        ),
    )
}

/// `445/tcp`, `ping`, `address resolution`.
pub(super) fn port_words(form: Form, transport: Transport, port: u16) -> String {
    match form {
        Form::Connection => format!("{port}/{transport}"),
        Form::Echo => "ping".to_owned(),
        Form::Resolution => "address resolution".to_owned(),
    }
}
