//! The System part of a record as Windows' templates have it, and the payload below it.

use super::binxml::{Filling, Node};
use super::event::{Event, Payload};
use super::value::{BIN_XML, Value};

const XMLNS: &str = "http://schemas.microsoft.com/win/2004/08/events/event";

/// How a log writes values.
#[derive(Clone, Copy, Default)]
pub(super) struct Manner {
    /// Text fields of the payload carry a NUL, as some forwarded and exported logs have it.
    pub(super) terminated: bool,
}

fn element(name: &str, index: u16, declared: u8) -> Node {
    Node::element(name, vec![Node::optional(index, declared)]).depending_on(index)
}

/// The System template and its values. Provider and channel are substitutions (18 values) or
/// literal text (20 values); the computer is literal text in both, so there is one template for
/// each computer.
pub(super) fn instance(event: &Event, record_id: u64, manner: Manner) -> (Node, Vec<Filling>) {
    let literal = event.provider.literal;
    let (related, payload) = if literal { (18, 19) } else { (13, 17) };
    let mut provider = Node::element("Provider", Vec::new());
    provider = if literal {
        let p = &event.provider;
        [
            ("Name", &p.name),
            ("Guid", &p.guid),
            ("EventSourceName", &p.source),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .fold(provider, |node, (name, value)| {
            node.with(name, Node::text(value))
        })
    } else {
        provider
            .with("Name", Node::optional(14, 0x01))
            .with("Guid", Node::optional(15, 0x0f))
    };
    let channel = if literal {
        Node::element("Channel", vec![Node::text(&event.channel)])
    } else {
        element("Channel", 16, 0x01)
    };
    let system = Node::element(
        "System",
        vec![
            provider,
            element("EventID", 3, 0x06).with("Qualifiers", Node::optional(4, 0x06)),
            element("Version", 11, 0x04),
            element("Level", 0, 0x04),
            element("Task", 2, 0x06),
            element("Opcode", 1, 0x04),
            element("Keywords", 5, 0x15),
            Node::element("TimeCreated", Vec::new()).with("SystemTime", Node::optional(6, 0x11)),
            element("EventRecordID", 10, 0x0a),
            Node::element("Correlation", Vec::new())
                .with("ActivityID", Node::optional(7, 0x0f))
                .with("RelatedActivityID", Node::optional(related, 0x0f)),
            Node::element("Execution", Vec::new())
                .with("ProcessID", Node::optional(8, 0x08))
                .with("ThreadID", Node::optional(9, 0x08)),
            channel,
            Node::element("Computer", vec![Node::text(&event.computer)]),
            Node::element("Security", Vec::new()).with("UserID", Node::optional(12, 0x13)),
        ],
    );
    let place = Node::optional(payload, BIN_XML);
    let root = Node::element("Event", Vec::new()).with("xmlns", Node::text(XMLNS));
    let below = match event.payload {
        Payload::EventData(_) => place,
        Payload::UserData { .. } => Node::element("UserData", vec![place]).depending_on(payload),
    };
    let root = match event.payload {
        Payload::EventData(_) => root.depending_on(payload),
        Payload::UserData { .. } => root,
    };
    let root = match root {
        Node::Element {
            name,
            depends_on,
            attributes,
            ..
        } => Node::Element {
            name,
            depends_on,
            attributes,
            children: vec![system, below],
        },
        other => other,
    };

    let guid = super::value::guid_from_text(&event.provider.guid).map_or(Value::Null, Value::Guid);
    let mut values = vec![
        Value::U8(event.level),
        Value::U8(event.opcode),
        Value::U16(event.task),
        Value::U16(event.id),
        event.qualifiers.map_or(Value::Null, Value::U16),
        Value::Hex64(event.keywords),
        Value::Time(event.created),
        event.activity.map_or(Value::Null, Value::Guid),
        Value::U32(event.process),
        Value::U32(event.thread),
        Value::U64(record_id),
        Value::U8(event.version),
        event.user.clone().map_or(Value::Null, Value::Sid),
        Value::Null,
    ];
    if literal {
        values.extend(vec![Value::Null; 5]);
    } else {
        values.extend([
            Value::text(event.provider.name.as_str()),
            guid,
            Value::text(event.channel.as_str()),
        ]);
    }
    let mut values: Vec<Filling> = values
        .iter()
        .map(|v| Filling::Plain(v.stored(), v.bytes(false)))
        .collect();
    values.push(payload_instance(event, manner));
    (root, values)
}

fn payload_instance(event: &Event, manner: Manner) -> Filling {
    let fields = event.fields();
    let values = fields
        .iter()
        .map(|(_, v)| Filling::Plain(v.stored(), v.bytes(manner.terminated)))
        .collect();
    // A normal substitution is never paired with an absent value.
    let places = fields.iter().enumerate().map(|(i, (name, value))| {
        let index = u16::try_from(i).unwrap_or(u16::MAX);
        let place = match value {
            Value::Null => Node::optional(index, 0x01),
            value => Node::normal(index, value.declared()),
        };
        (name, place)
    });
    let tree = match &event.payload {
        Payload::EventData(_) => Node::element(
            "EventData",
            places
                .map(|(name, place)| {
                    Node::element("Data", vec![place]).with("Name", Node::text(name))
                })
                .collect(),
        ),
        Payload::UserData {
            element, namespace, ..
        } => Node::element(
            element,
            places
                .map(|(name, place)| Node::element(name, vec![place]))
                .collect(),
        )
        .with("xmlns", Node::text(namespace)),
    };
    Filling::Nested(tree, values)
}

/// The same record as literal text without any template, the form some exports have.
pub(super) fn plain(event: &Event, record_id: u64) -> Node {
    let text = |name: &str, text: String| {
        let children = if text.is_empty() {
            Vec::new()
        } else {
            vec![Node::text(&text)]
        };
        Node::element(name, children)
    };
    let mut provider =
        Node::element("Provider", Vec::new()).with("Name", Node::text(&event.provider.name));
    if !event.provider.guid.is_empty() {
        provider = provider.with("Guid", Node::text(&event.provider.guid));
    }
    let mut id = text("EventID", event.id.to_string());
    if let Some(qualifiers) = event.qualifiers {
        id = id.with("Qualifiers", Node::text(&qualifiers.to_string()));
    }
    let mut correlation = Node::element("Correlation", Vec::new());
    if let Some(activity) = event.activity {
        correlation = correlation.with(
            "ActivityID",
            Node::text(&super::value::guid_text(&activity)),
        );
    }
    let mut security = Node::element("Security", Vec::new());
    if let Some(user) = &event.user {
        security = security.with("UserID", Node::text(&super::value::sid_text(user)));
    }
    let system = Node::element(
        "System",
        vec![
            provider,
            id,
            text("Version", event.version.to_string()),
            text("Level", event.level.to_string()),
            text("Task", event.task.to_string()),
            text("Opcode", event.opcode.to_string()),
            text("Keywords", format!("{:#x}", event.keywords)),
            Node::element("TimeCreated", Vec::new())
                .with("SystemTime", Node::text(&event.created.iso())),
            text("EventRecordID", record_id.to_string()),
            correlation,
            Node::element("Execution", Vec::new())
                .with("ProcessID", Node::text(&event.process.to_string()))
                .with("ThreadID", Node::text(&event.thread.to_string())),
            text("Channel", event.channel.clone()),
            text("Computer", event.computer.clone()),
            security,
        ],
    );
    let below = match &event.payload {
        Payload::EventData(fields) => Node::element(
            "EventData",
            fields
                .iter()
                .map(|(name, value)| text("Data", value.rendered()).with("Name", Node::text(name)))
                .collect(),
        ),
        Payload::UserData {
            element,
            namespace,
            fields,
        } => {
            let children = fields
                .iter()
                .map(|(name, value)| text(name, value.rendered()))
                .collect();
            Node::element(
                "UserData",
                vec![Node::element(element, children).with("xmlns", Node::text(namespace))],
            )
        }
    };
    match Node::element("Event", Vec::new()).with("xmlns", Node::text(XMLNS)) {
        Node::Element {
            name,
            depends_on,
            attributes,
            ..
        } => Node::Element {
            name,
            depends_on,
            attributes,
            children: vec![system, below],
        },
        other => other,
    }
}
