//! What AN1057 says of a scan: title, tables, steps, what was not seen.

use super::excuse::Control;
use super::followed;
use super::judge::{Doer, Judged, judge};
use super::key::most_and_others;
use super::otherwise::{actions, alternatives};
use super::scan::{COUNTED, Scan, actor_of};
use super::settings::EnumerationSettings;
use super::tables::tables;
use super::title::title;
use super::{Enumeration, Key, starts, tools, translated};
use crate::analytics::Analytic;
use crate::analytics::kit::contact::{
    Fate, Form, ahead_of_its_records, answers_lacking, before_its_records, contact_of, outgoing,
    question_of,
};
use crate::analytics::kit::standing::Standing;
use crate::context::coverage::Log;
use crate::context::processes::Instance;
use crate::context::{Context, HostId, Place};
use crate::eventlog::normalise::image::{image_key, image_name};
use crate::model::finding::{
    Condition, Entities, Finding, JOINED_BY_TARGET, OrderCheck, Reach, Role, Step, Unseen,
};
use crate::model::plural::counted;
use crate::model::{Actor, Event, Outcome, Span, Strength, Timestamp, Transport, What};
use std::net::IpAddr;

/// Connections without a record that are no chance, whatever came beside them.
const UNLOGGED: u64 = 10;
/// Ports listed among the entities.
const PORTS: usize = 64;

/// What else is remembered of the key.
#[derive(Clone, Copy)]
pub(super) struct Beside<'s> {
    /// Signs that something may send past the socket layer.
    pub signs: &'s [Event],
    /// Records of the starts of a program's processes.
    pub starts: &'s [Event],
    /// Control connections of FTP.
    pub controls: &'s [Control],
}

/// The start of the actor's process, where it is logged.
pub(super) fn instance<'c>(
    actor: &Actor,
    host: HostId,
    time: Timestamp,
    context: &'c Context,
) -> Option<&'c Instance> {
    let processes = &context.processes;
    let by_guid = actor.process.guid.as_ref();
    by_guid
        .and_then(|guid| processes.with_guid(host, guid))
        .or_else(|| processes.instance_at(host, actor.process.pid?, time, &actor.process.image))
}

/// What is told of a scan.
pub(super) struct Telling {
    /// The finding.
    pub finding: Finding,
    /// Of a source whose contacts one program made, in processes that nothing ties together: how many targets
    /// these must leave untold for it to stand.
    pub least: Option<u64>,
}

/// What is told of a scan; `None` if it belongs to one key of one program.
pub(super) fn telling(
    key: &Key,
    scan: &Scan,
    beside: Beside<'_>,
    settings: &EnumerationSettings,
    context: &Context,
) -> Option<Telling> {
    let (place, program) = match key {
        Key::Program { host, .. } => (Place::Host(*host), true),
        Key::Source(place) => (*place, false),
    };
    let main = scan.main_image().filter(|_| !program);
    let hits = scan.hits.iter();
    let least = hits
        .map(|hit| u64::from(hit.detector.least(settings)))
        .min();
    let (most, others) = main.map_or((0, 0), |image| most_and_others(scan, image, context));
    if most > 0 && most >= others * 4 && least.is_some_and(|least| others < least) {
        return None;
    }
    let first = scan.targets.first()?;
    let actor = program.then(|| actor_of(&first.event)).flatten();
    let started = match (actor, place) {
        (Some(actor), Place::Host(host)) => instance(actor, host, first.time, context),
        _ => None,
    };
    let image = actor.map_or("", |a| &a.process.image);
    let near = bypass_signs(scan, beside.signs, place, context);
    let begin = before_its_records(place, scan.first, context);
    let used = context.baseline.image(place, &image_key(image), begin);
    let doer = Doer {
        image,
        instance: started,
        service: actor.and_then(|a| a.service.as_deref()),
        tool: actor.and_then(|_| tools::of_process(image, started)),
        known: program && is_known(image, place, settings, context),
        new_since: (used.networked == 0).then(|| ahead_of_its_records(place, context)),
        parent_known: matches!((started, place), (Some(process), Place::Host(host))
            if !process.parent.image.is_empty()
                || context.processes.parent(host, process).is_some()),
        near: &near,
        standing: Standing::of(
            place,
            own_address(&first.event),
            first.time,
            scan.addresses.iter(),
            context,
        ),
        controls: beside.controls,
    };
    let Judged {
        tier,
        severity,
        score,
        confidence,
        held,
        excuse,
    } = judge(scan, program, &doer, settings);
    let translated = translated::sentence(scan, place, context);
    let about = &Enumeration::ABOUT;
    let finding = Finding {
        analytic: about.id,
        span: Some((scan.first, scan.last)),
        also_satisfies: Vec::new(),
        title: title(scan, place, actor, context),
        severity,
        tier,
        confidence,
        entities: entities(scan, place, actor, first.event.clone(), context),
        steps: steps(scan, beside, &near, place, context),
        conditions: scan
            .hits
            .iter()
            .map(|h| h.condition.clone())
            .chain(tied(scan, program))
            .collect(),
        tables: tables(scan, actor, place, settings, context),
        score,
        order: OrderCheck::of_one_clock(),
        unseen: unseen(scan, place, program, context),
        alternatives: alternatives(scan, excuse.as_ref(), actor.is_some(), translated.is_some()),
        actions: actions(scan, program, &doer),
        notes: held
            .into_iter()
            .chain(main.map(|image| one_image(scan, image)))
            .chain(translated)
            .chain(notes(scan, &near, place, settings, context))
            .chain(doer.standing.sentence())
            .collect(),
    };
    Some(Telling {
        finding,
        least: least.filter(|_| main.is_some()),
    })
}

/// What is said where one image made the contacts, in processes that nothing ties together.
fn one_image(scan: &Scan, image: &str) -> String {
    format!(
        "{} of the {} contacts are those of {}, with at least {}; that one process started all of these is not logged",
        scan.programs.get(image).copied().unwrap_or(0),
        scan.contacts,
        image_name(image),
        counted(scan.pids().len() as u64, "process id"),
    )
}

/// Capture libraries and scanners of the host within the scan's time, where its packets pass no
/// socket although sockets are logged. Programs keep no such signs: only the source does.
fn bypass_signs<'e>(
    scan: &Scan,
    signs: &'e [Event],
    place: Place,
    context: &Context,
) -> Vec<&'e Event> {
    let Place::Host(host) = place else {
        return Vec::new();
    };
    let logged = context.coverage.any(host, Log::Security, &[5156])
        || context.coverage.any(host, Log::Sysmon, &[3]);
    // Of a ping no socket is logged, whatever sent it.
    let sockets = scan.contacts.saturating_sub(scan.echoes);
    let few = sockets * 2 < scan.contacts && sockets < UNLOGGED;
    if !logged || scan.on_wire == 0 || few || scan.tied_all() * 5 > sockets {
        return Vec::new();
    }
    let from = scan.first.shifted(Span::seconds(-600));
    let inside = signs
        .iter()
        .filter(|e| e.time >= from && e.time <= scan.last);
    inside.collect()
}

fn is_known(image: &str, place: Place, settings: &EnumerationSettings, context: &Context) -> bool {
    let name = image_name(image);
    let host = context.identity.name(place);
    settings.known_scanners.iter().any(|entry| {
        let (program, on) = match entry.split_once('@') {
            Some((program, on)) => (program, Some(on)),
            None => (entry.as_str(), None),
        };
        let short = |h: &str| h.split('.').next().unwrap_or(h).to_lowercase();
        let here = on.is_none_or(|on| host.is_some_and(|h| short(h) == short(on)));
        here && name.eq_ignore_ascii_case(program)
    })
}

/// The address from which a contact was made.
fn own_address(event: &Event) -> Option<IpAddr> {
    match &event.what {
        What::Attempt(attempt) => Some(attempt.initiator.address),
        What::Solicitation(asked) => Some(asked.asker),
        What::Host(host) => outgoing(&host.what).map(|(_, _, local, _)| local.address),
        _ => None,
    }
}

/// The host's own address: not the one that translation gave its packets.
fn host_address(place: Place, first: &Event, context: &Context) -> Option<IpAddr> {
    match (translated::source(first, place, context), place) {
        (Some(_), Place::Host(host)) => {
            let identity = &context.identity;
            let ever = identity
                .host(host)
                .and_then(|h| h.addresses.first().copied());
            identity.addresses_at(host, first.time).next().or(ever)
        }
        _ => own_address(first),
    }
}

fn entities(
    scan: &Scan,
    place: Place,
    actor: Option<&Actor>,
    first: Event,
    context: &Context,
) -> Entities {
    let mut open: Vec<u16> = scan.open.keys().map(|(_, _, e)| e.port).collect();
    open.sort_unstable();
    open.dedup();
    open.retain(|p| *p != 0);
    Entities {
        remote: (scan.addresses.len() == 1)
            .then(|| scan.addresses.first().copied())
            .flatten(),
        host_name: context.identity.name(place).cloned().unwrap_or_default(),
        host_address: host_address(place, &first, context),
        probed_ports: scan
            .ports
            .iter()
            .map(|(_, _, p)| *p)
            .filter(|p| *p != 0)
            .take(PORTS)
            .collect(),
        opened_ports: open.into_iter().take(PORTS).collect(),
        process: actor.map(|a| a.process.image.clone()).unwrap_or_default(),
        pid: actor.and_then(|a| a.process.pid),
        reach: Some(Reach {
            addresses: scan.addresses.clone(),
            ports: scan
                .ports
                .iter()
                .map(|(_, _, p)| *p)
                .filter(|p| *p != 0)
                .collect(),
            more: scan.addresses.len() >= COUNTED,
        }),
        ..Entities::default()
    }
}

fn steps(
    scan: &Scan,
    beside: Beside<'_>,
    near: &[&Event],
    place: Place,
    context: &Context,
) -> Vec<Step> {
    let step = |role, event: &Event, remark: &str| Step {
        role,
        event: event.clone(),
        also: match actor_of(event) {
            Some(actor) => actor
                .told_by
                .iter()
                .copied()
                .filter(|p| *p != event.provenance)
                .collect::<Vec<_>>(),
            None => Vec::new(),
        }
        .into_iter()
        .chain(question_of(event))
        .collect(),
        remark: [remark, joined(event), cut_short(event, scan, context)]
            .into_iter()
            .filter(|remark| !remark.is_empty())
            .collect::<Vec<_>>()
            .join("; "),
    };
    let mut steps: Vec<Step> = scan
        .targets
        .iter()
        .map(|p| step(Role::Scan, &p.event, ""))
        .collect();
    if scan
        .targets
        .iter()
        .all(|p| p.event.provenance != scan.last_event.provenance)
    {
        steps.push(step(Role::Scan, &scan.last_event, "the last first contact"));
    }
    for event in &scan.followed {
        steps.push(step(
            Role::Connect,
            event,
            "with payload, to a target that had answered",
        ));
    }
    for event in near {
        steps.push(step(
            Role::Process,
            event,
            "could send packets that pass no socket",
        ));
    }
    if let Place::Host(host) = place {
        steps.extend(starts::steps(scan, host, beside.starts, context));
    }
    steps.sort_by_key(|s| s.event.order());
    steps.dedup_by_key(|s| s.event.provenance);
    steps
}

/// What is remarked of a contact whose packets and record share no address.
fn joined(event: &Event) -> &'static str {
    let weak = actor_of(event).is_some_and(|actor| actor.strength == Strength::Weak);
    if weak { JOINED_BY_TARGET } else { "" }
}

/// What is remarked of silence that may be the end of the capture: its sentence says "no answer".
fn cut_short(event: &Event, scan: &Scan, context: &Context) -> &'static str {
    let What::Attempt(attempt) = &event.what else {
        return "";
    };
    let untold = || {
        let contact = contact_of(event, context)?;
        let target = (contact.form, contact.transport, contact.remote);
        let learnt = scan.counted.get(&target).copied();
        Some(contact.fate == Fate::Untold && learnt.unwrap_or(contact.fate) == Fate::Untold)
    };
    let silent = attempt.outcome == Outcome::Unanswered && !attempt.went_on();
    if silent && attempt.transport != Transport::UDP && untold() == Some(true) {
        "whether it was answered this evidence does not tell"
    } else {
        ""
    }
}

fn tied(scan: &Scan, program: bool) -> Option<Condition> {
    program.then(|| {
        let kinds: Vec<String> = [Strength::Exact, Strength::Comment, Strength::Weak]
            .iter()
            .filter(|s| scan.tied_by(**s) > 0)
            .map(|s| match s {
                Strength::Weak => format!("{} {}", scan.tied_by(*s), translated::WEAK),
                _ => format!("{} {}", scan.tied_by(*s), s.word()),
            })
            .collect();
        Condition {
            text: "contacts tied to the process".to_owned(),
            setting: "by endpoints, packet comment or translated target".to_owned(),
            measured: format!("{} ({})", scan.tied_all(), kinds.join(", ")),
        }
    })
}

fn notes(
    scan: &Scan,
    near: &[&Event],
    place: Place,
    settings: &EnumerationSettings,
    context: &Context,
) -> Vec<String> {
    let mut notes: Vec<String> = followed::sentences(scan, context);
    if scan.sums().untold > 0 {
        notes.push(
            "outcomes that this evidence does not tell are counted neither as failures nor as successes"
                .to_owned(),
        );
        if scan.on_wire > 0
            && let Some(lacking) = answers_lacking(place, context)
        {
            notes.push(format!("silence is no failure here: {lacking}"));
        }
    }
    if scan.usual > 0 {
        notes.push(format!(
            "{} with usual targets meanwhile not counted: the host completed connections to them on {} earlier days or \
             more",
            counted(scan.usual, "contact"),
            settings.usual_days
        ));
    }
    if !near.is_empty() {
        let asked = scan.rows.keys().all(|(form, ..)| *form == Form::Resolution);
        let (these, like) = match asked {
            true => (
                "questions",
                "a ping, a call of the system (SendARP) or a capture driver asks like that",
            ),
            false => (
                "packets",
                "that is consistent with being sent past the socket layer, as capture drivers do, or by another host \
                 in its name",
            ),
        };
        notes.push(format!(
            "the host logs its sockets, and these {these} have no record: {like}; the programs shown are near in \
             time, not proven senders"
        ));
    }
    if scan
        .hits
        .iter()
        .any(|h| h.detector == super::Detector::Walk)
    {
        notes.push(
            "the random walk has no window: how long it took is told with its measure; its chances (0.8 and \
             0.2) are those of the paper on the threshold random walk (Jung and others, 2004), not measured here"
                .to_owned(),
        );
    }
    notes
}

fn unseen(scan: &Scan, place: Place, program: bool, context: &Context) -> Vec<Unseen> {
    let mut unseen = Vec::new();
    let host = context.identity.name(place).cloned();
    let mut add = |telemetry: &str, effect: &str| {
        unseen.push(Unseen {
            telemetry: telemetry.to_owned(),
            host: host.clone(),
            effect: effect.to_owned(),
        });
    };
    let own = match place {
        Place::Host(id) => Some(id),
        Place::Address(_) => None,
    };
    let any = |log, ids: &[u32]| own.is_some_and(|id| context.coverage.any(id, log, ids));
    let platform = any(Log::Security, &[5156, 5157]);
    let sysmon = any(Log::Sysmon, &[3]);
    if scan.on_wire == 0 {
        add(
            "packets",
            "whether a target answered rests on the host's own records, and most of them do not say",
        );
    }
    if program && scan.on_wire == 0 && sysmon && !platform {
        add(
            "failed connections (Security 5156 with the filtering platform's audit)",
            "Sysmon 3 records connections that were made: the scan is under-counted",
        );
    }
    if !program && !platform && !sysmon {
        add(
            "socket records (Security 5156, Sysmon 3)",
            "which process made the contacts is not known",
        );
    }
    if program && !any(Log::Security, &[4688]) && !any(Log::Sysmon, &[1]) {
        add(
            "process creation (Security 4688, Sysmon 1)",
            "who started the process, and with which command line, is not logged",
        );
    }
    unseen
}
