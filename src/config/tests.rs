//! Everything that can go wrong in a settings file, with its line.

use super::*;

#[track_caller]
fn good(text: &str) -> Config {
    match Config::read(text.as_bytes()) {
        Ok(config) => config,
        Err(faults) => panic!("{faults}"),
    }
}

#[track_caller]
fn wrong(text: &str, expected: &[(usize, &str)]) {
    let faults = Config::read(text.as_bytes())
        .expect_err("the file is wrong")
        .told;
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults.len(), expected.len(), "{said:#?}");
    for (fault, (line, words)) in faults.iter().zip(expected) {
        assert_eq!(fault.line, *line, "{said:#?}");
        assert!(
            fault.message.contains(words),
            "{words:?} is not in {said:#?}"
        );
    }
}

const ALL: &str = r#"
profile  = "strict"
internal = ["10.0.0.0/8", "fd00::/8"]

[case]
id       = "IR-2026-014"
examiner = "A. Examiner"

[hosts]
"FS01.corp.example" = ["10.20.0.15", "fd00::15"]
WS01                = "10.20.1.5"

[known]
scanners    = ["10.20.0.5", "nessus*"]
changers    = ['NT SERVICE\TrustedInstaller', "CcmExec.exe"]
wol         = [{ from = "22:00Z", to = "23:00Z" }, "01:00-02:00"]
wol_senders = "00:15:5d:00:02:01"

[roles]
"FS01.corp.example" = "server"
"10.20.0.9"         = "Monitoring"

[segments]
servers = ["10.20.0.0/24"]
desks   = "10.20.1.0/24"

[AN0842]
MinSequenceLen = 3
TimeWindow     = "240s"
WatchedPorts   = [22, 3389]
AllowUdp       = true
RuleChangeAllowList = ["deploy.exe"]

[[suppress]]
analytic = ["an0842", "AN1448"]
source   = "10.20.0.5"
target   = ["10.20.1.0/24", "FS01"]
host     = "ws*"
process  = "nessusd.exe"
account  = "CORP\\svc-*"
port     = [3389, "8000-8100"]
rule     = "Nessus *"
windows  = ["sun 01:00-05:00"]
reason   = "Nessus, change CHG-1842"
by       = "A. Examiner"
until    = 2026-04-01

[[suppress]]
source = "192.0.2.1"
reason = "x"
by     = "y"
until  = "2026-04-01"
"#;

#[test]
fn every_key_is_taken() {
    let config = good(ALL);
    assert!(config.sha256.is_some());
    assert_eq!(config.case.as_deref(), Some("IR-2026-014"));
    assert_eq!(config.examiner.as_deref(), Some("A. Examiner"));
    assert_eq!(config.profile, Some(Profile::Strict));
    assert_eq!(config.hosts.len(), 3);
    assert_eq!(config.scanners.len(), 2);
    assert_eq!(
        config.assets.segment("10.20.1.77".parse().unwrap()),
        Some("desks")
    );
    assert_eq!(
        config.assets.role("fs01.corp.example", &[]),
        Some(crate::context::assets::Role::Server)
    );
    assert!(config.assets.is_internal("10.99.0.1".parse().unwrap()));
    let setting = |id: &str, name: &str| {
        let found: Vec<&str> = config
            .settings
            .iter()
            .filter(|(i, n, _)| i == id && n == name)
            .map(|(_, _, value)| value.as_str())
            .collect();
        assert!(found.len() <= 1, "{name} {found:?}");
        found.first().copied().unwrap_or_default().to_owned()
    };
    assert_eq!(setting("AN0842", "WatchedPorts"), "[22,3389]");
    assert_eq!(setting("AN0842", "AllowUdp"), "yes");
    assert_eq!(
        setting("AN1448", "WoLAllowedWindows"),
        "[22:00Z-23:00Z,01:00-02:00]"
    );
    assert_eq!(
        setting("AN1448", "WoLAllowedSenders"),
        "[00:15:5d:00:02:01]"
    );
    assert_eq!(
        setting("AN0842", "RuleChangeAllowList"),
        r"[deploy.exe,NT SERVICE\TrustedInstaller,CcmExec.exe]"
    );
    assert_eq!(
        setting("AN1448", "AllowedFirewallChangers"),
        r"[NT SERVICE\TrustedInstaller,CcmExec.exe]"
    );
    let [first, second] = &config.rules[..] else {
        panic!("two rules")
    };
    assert_eq!(
        first.words(),
        "analytic AN0842 or AN1448, source 10.20.0.5, target 10.20.1.0/24 or FS01, host ws*, process nessusd.exe, \
         account CORP\\svc-*, port 3389 or 8000-8100, rule Nessus *, windows sun 01:00-05:00"
    );
    assert_eq!((first.line, first.until.words.as_str()), (34, "2026-04-01"));
    assert_eq!(
        (second.line, second.words().as_str()),
        (48, "source 192.0.2.1")
    );
    assert_eq!(
        first.until, second.until,
        "a date is the same in quotes and without"
    );
}

#[test]
fn an_empty_file_sets_nothing() {
    let config = good("# nothing yet\n");
    assert!(config.settings.is_empty() && config.rules.is_empty());
    good("\u{feff}[case]\nid = \"x\"\n");
    // One host, spelled twice.
    good("[hosts]\nA = \"10.0.0.1\"\na = \"10.0.0.1\"\n");
}

#[test]
fn a_file_that_is_no_toml_is_refused_in_its_line() {
    wrong("[case]\nid = \n", &[(2, "TOML")]);
    wrong("[case\nid = \"x\"\n", &[(1, "TOML")]);
    wrong("a = 1\na = 2\n", &[(2, "stands twice; put both into one")]);
    wrong(
        "[case]\nid = \"a\"\n\n[case]\nexaminer = \"b\"\n",
        &[(4, "stands twice; put both into one")],
    );
    wrong(
        "[case]\nid = \"a\"\nid = \"b\"\n",
        &[(3, "stands twice; put both into one")],
    );
    let faults = Config::read(b"[case]\nid = \"\xff\"\n").unwrap_err();
    assert_eq!(
        faults.to_string(),
        "line 2: not UTF-8 text; save the file as UTF-8"
    );
    let faults = Config::read(&vec![b'\n'; LARGEST + 1]).unwrap_err();
    assert!(faults.to_string().contains("larger than 4 MiB"));
    assert!(Config::read(format!("a = {}", "[".repeat(100_000)).as_bytes()).is_err());
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one() {
    wrong(
        "\n[suppres]\nx = 1\n",
        &[(
            2,
            "there is no section \"suppres\"; the nearest is \"suppress\"",
        )],
    );
    wrong(
        "[AN0824]\nTimeWindow = 3\n",
        &[(1, "the nearest is \"AN0842\"")],
    );
    wrong(
        "profil = \"strict\"\n",
        &[(
            1,
            "there is no setting at the top \"profil\"; the nearest is \"profile\"",
        )],
    );
    wrong(
        "[case]\nidd = \"x\"\n",
        &[(2, "there is no \"idd\" in [case]; the nearest is \"id\"")],
    );
    wrong(
        "[known]\nscanner = \"x\"\n",
        &[(2, "the nearest is \"scanners\"")],
    );
    wrong(
        "[AN0842]\n\nTimeWindwo = 3\n",
        &[(
            3,
            "[AN0842] no setting called \"TimeWindwo\"; the nearest is TimeWindow",
        )],
    );
}

#[test]
fn a_value_that_cannot_be_is_refused_with_what_to_write() {
    wrong(
        "profile = \"strickt\"\n",
        &[(1, "write default, strict or sensitive")],
    );
    wrong(
        "internal = [\"10.0.0.0/8\",\n  \"10.20.0.5/24\"]\n",
        &[(2, "write 10.20.0.0/24 for the network")],
    );
    wrong(
        "[case]\nid = 14\n",
        &[(2, "id is a number; write it as a text in quotes")],
    );
    wrong("[case]\nid = \" \"\n", &[(2, "id is empty")]);
    wrong(
        "case = \"x\"\n",
        &[(1, "write [case] on a line of its own")],
    );
    wrong(
        "[[case]]\nid = \"x\"\n",
        &[(1, "write [case], not [[case]]")],
    );
    wrong(
        "[hosts]\nFS01 = \"10.20.0\"\n",
        &[(2, "\"10.20.0\" is not an address")],
    );
    wrong("[hosts]\nFS01 = []\n", &[(2, "empty list")]);
    wrong(
        "[hosts]\nFS01.corp.example = \"10.20.0.1\"\n",
        &[(2, "put a name with dots into quotes")],
    );
    wrong(
        "[hosts]\nA = \"10.0.0.1\"\nB = \"10.0.0.1\"\n",
        &[(3, "10.0.0.1 is already said to be A")],
    );
    wrong(
        "[roles]\nFS01 = \"servr\"\n",
        &[(2, "the nearest is \"server\"")],
    );
    wrong(
        "[roles]\nFS01.x = \"server\"\n",
        &[(2, "put a name with dots into quotes")],
    );
    wrong(
        "[segments]\na = \"10.20.0.0/40\"\n",
        &[(2, "longer than 32 bits")],
    );
    wrong(
        "[segments]\na = \"10.0.0.0/8\"\nb = \"10.0.0.0/8\"\n",
        &[(3, "already the segment a")],
    );
    wrong(
        "[segments]\ninternal = \"10.0.0.0/8\"\n",
        &[(2, "above the first [section]")],
    );
    wrong(
        "[AN0842]\nMinSequenceLen = 99\n",
        &[(
            2,
            "MinSequenceLen cannot be \"99\": out of range; it takes 2 to 32",
        )],
    );
    wrong(
        "[AN0842]\nTimeWindow = \"soon\"\n",
        &[(2, "not a duration")],
    );
    wrong(
        "[AN0842]\nTimeWindow = 12:00:00\n",
        &[(2, "write it as a text in quotes")],
    );
    wrong(
        "[AN0842]\nWatchedPorts = [[22]]\n",
        &[(2, "a list of single values")],
    );
    wrong(
        "[AN0842]\nRuleChangeAllowList = [\"Smith, A.\"]\n",
        &[(2, "leave out commas")],
    );
    wrong(
        "[AN0842]\nTimeWindow = 60\ntimewindow = 70\n",
        &[(3, "TimeWindow stands twice")],
    );
    wrong(
        "[AN0842]\nTimeWindow = 60\n[an0842]\nKnockSpan = 7\n",
        &[(3, "[AN0842] stands twice")],
    );
    wrong(
        "[known]\nchangers = [\"a,b\"]\n",
        &[(2, "leave out commas")],
    );
    wrong(
        "[known]\nscanners = \"10.20.0\"\n",
        &[(2, "is not an address or a network")],
    );
    wrong(
        "[known]\nwol = [{ from = \"22:00\" }]\n",
        &[(2, "to is missing")],
    );
    wrong(
        "[known]\nwol = \"22-23\"\n",
        &[(2, "is not a window of the day")],
    );
}

/// A rule with everything it must have, and one more line.
fn rule(line: &str) -> String {
    format!("[[suppress]]\nreason = \"r\"\nby = \"b\"\nuntil = \"2026-04-01\"\n{line}\n")
}

#[test]
fn a_rule_without_reason_owner_or_end_is_refused() {
    wrong(
        "\n[[suppress]]\nsource = \"10.0.0.1\"\n",
        &[
            (2, "no by, and none is taken without"),
            (2, "no reason, and none is taken without; add reason ="),
            (
                2,
                "no until, and none is taken without; add until = \"2026-04-01\"",
            ),
        ],
    );
    wrong(
        "[[suppress]]\nreason = \"\"\nby = \"b\"\nuntil = 2026-04-01\n",
        &[(2, "reason is empty")],
    );
    wrong(
        &rule("").replace("2026-04-01", "2026-02-30"),
        &[(4, "\"2026-02-30\" is not a day")],
    );
    wrong(
        &rule("").replace("2026-04-01", "never"),
        &[(4, "write the last day of the rule")],
    );
    wrong(
        &rule("").replace("\"2026-04-01\"", "2026-04-99"),
        &[(4, "TOML")],
    );
    wrong(
        &rule("").replace("\"2026-04-01\"", "20260401"),
        &[(4, "until is a number")],
    );
}

#[test]
fn a_matcher_that_cannot_match_is_refused_in_its_line() {
    good(&rule("source = \"10.0.0.1\""));
    wrong(
        &rule("sorce = \"10.0.0.1\""),
        &[(
            5,
            "there is no \"sorce\" in [[suppress]]; the nearest is \"source\"",
        )],
    );
    wrong(
        &rule("analytic = \"AN9999\""),
        &[(5, "there is no \"AN9999\"")],
    );
    wrong(&rule("source = \"10.20.0.0/33\""), &[(5, "longer than 32")]);
    wrong(
        &rule("source = [\"10.20.0.1\",\n \"10.20.0\"]"),
        &[(6, "is not an address")],
    );
    wrong(&rule("target = 5"), &[(5, "target is a number")]);
    wrong(&rule("port = 70000"), &[(5, "port is not a port")]);
    wrong(&rule("port = \"90-80\""), &[(5, "port is not a port")]);
    wrong(&rule("port = 0x16"), &[(5, "port is not a port")]);
    wrong(&rule("windows = \"02:00\""), &[(5, "is not a window")]);
    wrong(
        "[suppress]\nreason = \"r\"\n",
        &[(1, "write [[suppress]] above each")],
    );
    wrong("suppress = [1]\n", &[(1, "write [[suppress]] above each")]);
}

#[test]
fn all_mistakes_are_named_at_once_in_the_order_of_lines() {
    wrong(
        "[known]\nscanner = \"x\"\n[AN0842]\nMinSequenceLen = 1\n[case]\nid = 1\n",
        &[(2, "scanner"), (4, "out of range"), (6, "id is a number")],
    );
}

#[test]
fn a_file_that_is_wrong_throughout_is_refused_soon_and_in_few_words() {
    let lines = |line: &dyn Fn(usize) -> String| (0..100_000).map(line).collect::<String>();
    let keys = lines(&|n| format!("nothing{n} = {n}\n"));
    let strangers = lines(&|n| format!("h{n} = \"x\"\n"));
    let twice = lines(&|_| "WS01 = \"10.0.0.1\"\n".to_owned());
    let rules = lines(&|_| "[[suppress]]\n".to_owned());
    let list = lines(&|n| format!("\"{n}\","));
    for text in [
        keys.clone(),
        format!("[AN0842]\n{keys}"),
        format!("[case]\n{keys}"),
        format!("[hosts]\n{strangers}"),
        format!("[roles]\n{strangers}"),
        format!("[segments]\n{strangers}"),
        format!("[hosts]\n{twice}"),
        format!("internal = [{list}]"),
        rules,
    ] {
        let faults = Config::read(text.as_bytes()).unwrap_err();
        assert!(
            faults.more && faults.told.len() <= reader::MOST,
            "{}",
            &text[..40]
        );
        assert!(faults.told.iter().all(|fault| fault.line <= 100_002));
    }
    // A file that is right, and long.
    let hosts = lines(&|n| format!("h{n} = \"10.{}.{}.{}\"\n", n >> 16, n >> 8 & 255, n & 255));
    assert_eq!(good(&format!("[hosts]\n{hosts}")).hosts.len(), 100_000);
}

#[test]
fn a_hundred_mistakes_are_all_told() {
    let lines: String = (0..100).map(|n| format!("nothing{n} = {n}\n")).collect();
    let faults = Config::read(lines.as_bytes()).unwrap_err();
    assert_eq!((faults.told.len(), faults.more), (100, false));
    assert_eq!(faults.told[99].line, 100);
    let one_more = Config::read(format!("{lines}more = 1\n").as_bytes()).unwrap_err();
    assert_eq!((one_more.told.len(), one_more.more), (100, true));
}
