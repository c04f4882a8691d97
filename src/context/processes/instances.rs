//! From single records to process instances: two logs may tell of one start and of one end.

use super::builder::{Logged, Told};
use super::{Instance, OfHost};
use crate::eventlog::normalise::image::{drive, image_name};
use crate::model::{Span, Timestamp};

/// How far apart Security and Sysmon may tell of one start or end.
const SAME: Span = Span::seconds(2);
/// How many instances of one id back a record may belong.
const RECENT: usize = 4;

/// Joins the records of one host.
pub(super) fn of(mut logged: Logged) -> OfHost {
    logged.told.sort_by_key(Told::order);
    logged.boots.sort_unstable();
    let mut of = OfHost {
        forgotten_from: logged.forgotten_from,
        ..OfHost::default()
    };
    for one in &logged.told {
        let first = of.instances.partition_point(|i| i.pid < one.pid);
        let same_id = &mut of.instances[first..];
        if one.starts {
            if !same_id
                .iter_mut()
                .rev()
                .take(RECENT)
                .any(|i| tells_start(i, one))
            {
                of.instances.push(started(one));
            }
        } else if !same_id
            .iter_mut()
            .rev()
            .take(RECENT)
            .any(|i| tells_end(i, one))
        {
            of.instances.push(ended_only(one));
        }
    }
    bound(&mut of.instances, &logged.boots);
    for (at, instance) in (0..).zip(&of.instances) {
        if let Some(guid) = instance.guid {
            of.by_guid.entry(guid).or_insert(at);
        }
    }
    learn(&mut of, &logged);
    of
}

fn same_name(instance: &Instance, told: &Told) -> bool {
    image_name(&instance.image).eq_ignore_ascii_case(image_name(&told.image))
}

/// Adds the other log's record of a start to `instance`, if it is of that start.
fn tells_start(instance: &mut Instance, told: &Told) -> bool {
    let one_log = instance.guid.is_some() == told.guid.is_some();
    let near = instance
        .started
        .is_some_and(|at| told.time.since(at) <= SAME);
    if one_log || !near || !same_name(instance, told) || instance.records.len() > 1 {
        return false;
    }
    instance.guid = instance.guid.or(told.guid);
    instance.service = instance.service.take().or_else(|| told.service.clone());
    if drive(&instance.image).is_none() && drive(&told.image).is_some() {
        instance.image = told.image.clone();
    }
    if instance.command_line.is_empty() {
        instance.command_line = told.command_line.clone();
    }
    if instance.original_name.is_empty() {
        instance.original_name = told.original_name.clone();
    }
    if instance.user.is_empty() {
        instance.user = told.user.clone();
    }
    // Sysmon names the parent by its guid, which is never used again.
    if instance.parent.guid.is_none() && told.parent.pid.is_some() {
        instance.parent = told.parent.clone();
    }
    instance.records.push(told.provenance);
    true
}

/// Ends `instance`, if `told` is of its end.
fn tells_end(instance: &mut Instance, told: &Told) -> bool {
    let other_guid = instance.guid.is_some() && told.guid.is_some() && instance.guid != told.guid;
    if other_guid || !same_name(instance, told) {
        return false;
    }
    match instance.ended {
        None => {
            (instance.ended, instance.until) = (Some(told.time), told.time);
        }
        Some(at) if told.time.since(at) <= SAME => {
            instance.until = instance.until.max(told.time);
        }
        Some(_) => return false,
    }
    instance.records.push(told.provenance);
    true
}

fn started(told: &Told) -> Instance {
    Instance {
        pid: told.pid,
        guid: told.guid,
        image: told.image.clone(),
        service: told.service.clone(),
        command_line: told.command_line.clone(),
        original_name: told.original_name.clone(),
        user: told.user.clone(),
        parent: told.parent.clone(),
        started: Some(told.time),
        ended: None,
        records: vec![told.provenance],
        from: told.time,
        until: Timestamp::MAX,
    }
}

/// A process that ran before its log began, or whose start was not logged.
fn ended_only(told: &Told) -> Instance {
    Instance {
        started: None,
        ended: Some(told.time),
        from: Timestamp::MIN,
        until: told.time,
        ..started(told)
    }
}

/// An id means one process at a time: each ends at the latest when the next one of its id starts or
/// the system does, and one whose start is unknown began after the one before it.
fn bound(instances: &mut [Instance], boots: &[Timestamp]) {
    // Those without a start sort first; put by their end they stand where they belong.
    instances.sort_by_key(|i| (i.pid, i.started.unwrap_or(i.until), i.until));
    let mut before: Option<(u32, Timestamp)> = None;
    for at in 0..instances.len() {
        let next = instances.get(at + 1);
        let next = next.map(|next| (next.pid, next.started.unwrap_or(next.until)));
        let instance = &mut instances[at];
        if instance.started.is_none() {
            let mut from = Timestamp::MIN;
            if let Some((_, until)) = before.filter(|(pid, _)| *pid == instance.pid) {
                from = until;
            }
            let boot = boots.partition_point(|b| *b <= instance.until);
            if let Some(boot) = boot.checked_sub(1).and_then(|i| boots.get(i)) {
                from = from.max(*boot);
            }
            instance.from = from;
        }
        if instance.ended.is_none() {
            let boot = boots.partition_point(|b| *b <= instance.from);
            if let Some(boot) = boots.get(boot) {
                instance.until = instance.until.min(*boot);
            }
        }
        if let Some((_, latest)) = next.filter(|(pid, _)| *pid == instance.pid) {
            instance.until = instance.until.min(latest);
        }
        // Without an end, the next of unknown start may have begun right after the start.
        let free = instance.ended.map_or(instance.from, |_| instance.until);
        before = Some((instance.pid, free));
    }
}

/// Learns drives where a path on a volume belongs to an instance with a path on a drive.
fn learn(of: &mut OfHost, logged: &Logged) {
    for (pid, time, path) in logged.samples.iter() {
        let first = of.instances.partition_point(|i| i.pid < pid);
        let inside = of.instances[first..]
            .iter()
            .take_while(|i| i.pid == pid)
            .find(|i| i.from <= time && time <= i.until && i.started.is_some());
        if let Some(instance) = inside {
            of.volumes.learn(path, &instance.image);
        }
    }
}
