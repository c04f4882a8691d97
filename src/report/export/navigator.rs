//! A layer of the ATT&CK Navigator (layer format 4.5): the techniques with findings.

use super::Format;
use crate::model::plural::counted;
use crate::report::json::shape::{Finding, Report};
use crate::report::record::{severity, telling};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The ATT&CK release whose ids the analytics name.
const ATTACK: &str = "18";

fn color(severity: &str) -> &'static str {
    match severity {
        "critical" => "#7b1e3a",
        "high" => "#d1495b",
        "medium" => "#e3a04f",
        "low" => "#8fb8de",
        _ => "#c9d1d9",
    }
}

/// The layer.
pub fn layer(report: &Report, findings: &[&Finding], came_of_it: &str) -> Value {
    let mut techniques: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        for attack in finding.attack.iter().filter(|a| a.kind == "technique") {
            techniques.entry(&attack.id).or_default().push(finding);
        }
    }
    let most = techniques.values().map(Vec::len).max().unwrap_or(1);
    let rows: Vec<Value> = techniques
        .iter()
        .map(|(id, of)| {
            let worst = of.iter().map(|f| severity(&f.severity.0)).max();
            let ids: Vec<&str> = of.iter().map(|f| f.short_id.as_str()).take(100).collect();
            json!({
                "techniqueID": id,
                "score": of.len(),
                "color": color(worst.map_or("info", |s| s.word())),
                "comment": format!("{}: {}", counted(of.len() as u64, "finding"), ids.join(", ")),
                "enabled": true,
                "showSubtechniques": id.contains('.'),
            })
        })
        .collect();
    let legend: Vec<Value> = ["critical", "high", "medium", "low", "info"]
        .iter()
        .map(|word| json!({"label": word, "color": color(word)}))
        .collect();
    json!({
        "name": telling::title(report),
        "versions": {"attack": ATTACK, "navigator": "5.1.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": format!(
            "{came_of_it} Techniques of the analytics with findings. Score: number of findings; colour: highest \
             severity. Left out: {}.",
            Format::Navigator.loss().unwrap_or_default()
        ),
        "techniques": rows,
        "gradient": {"colors": ["#ffffff", "#d1495b"], "minValue": 0, "maxValue": most},
        "legendItems": legend,
        "hideDisabled": false,
    })
}
