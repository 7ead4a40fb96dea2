use insta::assert_snapshot;
use wfrun_journal::{RunEvent, Sink as _};
use wfrun_report::{PlainView, Style, Verbosity, render_summary};

use crate::fixture::{ALL, FAILURE, INCOMPLETE, SKIPPED, SUCCESS, Shared, UNICODE, events, feed, plain};

#[test]
fn each_journal() {
    for (name, journal) in ALL {
        assert_snapshot!(format!("plain-{name}"), plain(journal, UNICODE, Verbosity::Normal));
    }
}

#[test]
fn quiet_says_failures_and_the_summary() {
    for (name, journal) in ALL {
        assert_snapshot!(format!("quiet-{name}"), plain(journal, UNICODE, Verbosity::Quiet));
    }
}

#[test]
fn verbose_says_services_outputs_and_summaries() {
    let normal = plain(SUCCESS, UNICODE, Verbosity::Normal);
    let verbose = plain(SUCCESS, UNICODE, Verbosity::Verbose);
    let more: Vec<&str> = verbose.lines().filter(|it| !normal.contains(it)).collect();
    assert_snapshot!("verbose-only", more.join("\n"));
}

#[test]
fn ascii_has_no_sign_of_ours_beyond_ascii() {
    for (name, journal) in ALL {
        let text = plain(journal, Style::plain(80), Verbosity::Verbose);
        let own: String = text.chars().filter(|it| !it.is_ascii()).collect();
        assert!(own.chars().all(|it| "見出し: ニュース速報".contains(it)), "{name}: {own}");
    }
}

#[test]
fn colour_changes_no_word() {
    let color = Style { color: true, ..UNICODE };
    for (name, journal) in ALL {
        let painted = plain(journal, color, Verbosity::Verbose);
        assert!(painted.contains("\u{1b}[32m"), "{name} is painted");
        let bare = plain(journal, UNICODE, Verbosity::Verbose);
        assert!(!bare.contains('\u{1b}'), "{name} has no escapes without colour");
        assert_eq!(console::strip_ansi_codes(&painted), bare, "{name}");
    }
}

#[test]
fn masked_text_is_shown_as_it_is() {
    assert!(plain(SUCCESS, UNICODE, Verbosity::Normal).contains("using *** for account"));
}

#[test]
fn first_line_says_backend_and_why() {
    let text = plain(SUCCESS, UNICODE, Verbosity::Normal);
    let first = text.lines().next();
    assert_eq!(first, Some("backend: sandbox (no Docker engine answers at /var/run/docker.sock)"));
}

#[test]
fn narrow_summaries_break_their_notes() {
    for (name, journal) in [("skipped", SKIPPED), ("failure", FAILURE), ("incomplete", INCOMPLETE)] {
        let record = feed(&events(journal), &mut wfrun_report::Tee::default());
        for width in [80, 40] {
            let summary = render_summary(&record, &Style { width, ..UNICODE });
            assert_snapshot!(format!("summary-{name}-{width}"), summary);
            let widest = summary.lines().map(console::measure_text_width).max();
            assert!(widest <= Some(width) || name == "incomplete", "{name} stays within {width}");
        }
    }
}

#[test]
fn a_run_that_has_not_ended_has_a_summary() {
    let all = events(SUCCESS);
    let half = feed(&all[..all.len() / 2], &mut wfrun_report::Tee::default());
    let summary = render_summary(&half, &UNICODE);
    assert!(summary.contains("· build-and-deploy  not ended"), "{summary}");
}

/// GitHub's markers are words; a line in which a matcher found something is shown once.
#[test]
fn markers() {
    let line =
        |text: &str| format!(r#""type":"line","job":"j","step":"1","phase":"main","stream":"stdout","text":"{text}""#);
    let annotation =
        |text: &str| format!(r#""type":"annotation","job":"j","step":"1","level":"error","message":"{text}""#);
    let all = [
        line("##[group]Title"),
        line("##[endgroup]"),
        line("##[debug]seen"),
        line("##[error]a.js:1: bad"),
        annotation("bad"),
        annotation("another"),
        line("##[warning]one of many"),
        annotation("and yet another"),
        line("##[notice]and this"),
        line("##[other]stays"),
        line("##[endgroup]not the marker"),
    ];
    let numbered = all.iter().enumerate().map(|(at, it)| format!("{{\"seq\":{},\"at_ms\":0,{it}}}", at + 1));
    let all: Vec<RunEvent> = numbered.map(|it| serde_json::from_str(&it).expect("an event")).collect();
    let out = Shared::default();
    let mut view = PlainView::new(out.clone(), UNICODE, Verbosity::Normal);
    feed(&all, &mut view);
    assert_eq!(out.text(), "", "a burst is written as a whole");
    view.flush().expect("it is written");
    assert_snapshot!(out.text(), @r"
    [j]   ▶ Title
    [j] debug: seen
    [j] error: a.js:1: bad
    [j] error: another
    [j] warning: one of many
    [j] error: and yet another
    [j] notice: and this
    [j]   ##[other]stays
    [j]   ##[endgroup]not the marker
    ");
}

#[test]
fn artifacts_are_named_with_their_sizes() {
    let made = |number: u64, name: &str| {
        format!(
            "{{\"seq\":1,\"at_ms\":1,\"type\":\"artifact-kept\",\"job\":\"test\",\"id\":\"{number}\",\"name\":\"{name}\",\"size\":{},\"digest\":\"sha256:0\"}}\n",
            number * 1_234
        )
    };
    let (first, last) = SUCCESS.trim_end().rsplit_once('\n').expect("lines");
    let some: String =
        ["site", "logs (ubuntu, 3.12)"].iter().zip(1..).map(|(name, number)| made(number, name)).collect();
    let removed = "{\"seq\":1,\"at_ms\":1,\"type\":\"artifact-removed\",\"job\":\"test\",\"id\":\"3\"}\n";
    let few = format!("{first}\n{some}{}{removed}{last}\n", made(3, "gone"));
    let summary = |journal: &str| {
        let text = render_summary(
            &feed(&events(journal), &mut PlainView::new(Shared::default(), UNICODE, Verbosity::Quiet)),
            &UNICODE,
        );
        let part: Vec<String> = text
            .lines()
            .skip_while(|it| !it.starts_with("artifacts:"))
            .take_while(|it| !it.is_empty())
            .map(str::to_owned)
            .collect();
        part.join("\n")
    };
    assert_snapshot!(summary(&few), @"
    artifacts: 2, 3.7 kB
      site                 1.2 kB
      logs (ubuntu, 3.12)  2.4 kB
      `wfrun download 20260801-101500-1` unpacks them
    ");
    let many: String = (0..12).map(|number| made(number, &format!("part-{number}"))).collect();
    assert!(summary(&format!("{first}\n{many}{last}\n")).contains("\n  2 more\n"), "ten are named");
    assert_eq!(summary(SUCCESS), "", "nothing is said of none");
    let verbose = plain(&few, UNICODE, Verbosity::Verbose);
    assert!(
        verbose.contains("artifact site: 1.2 kB") && !plain(&few, UNICODE, Verbosity::Normal).contains("artifact site"),
        "{verbose}"
    );
}

/// A step may write hundreds of things; the summary ends all the same.
#[test]
fn so_many_differences_of_a_job_are_listed() {
    let (first, last) = SUCCESS.trim_end().rsplit_once('\n').expect("lines");
    let would = |number: u32| {
        format!(
            "{{\"seq\":1,\"at_ms\":1,\"type\":\"declared\",\"job\":\"test\",\"step\":null,\"how\":\"simulated\",\"subject\":\"GitHub's API\",\"detail\":\"would label issue #{number}\"}}\n"
        )
    };
    let summary = |most: u32| {
        let journal = format!("{first}\n{}{last}\n", (0..most).map(would).collect::<String>());
        let record = feed(&events(&journal), &mut wfrun_report::Tee::default());
        render_summary(&record, &UNICODE)
    };
    let all = summary(50);
    assert!(all.contains("would label issue #49\n") && !all.contains("more, which are in the journal"), "{all}");
    let some = summary(53);
    assert!(some.contains("would label issue #49\n      and 3 more, which are in the journal\n"), "{some}");
}

/// What no step says stands at its time, line by line, and whole at the end.
#[test]
fn a_notice_that_is_more_than_news() {
    let notice = |more: &str, text: &str| format!(r#""type":"notice","message":"{text}"{more}"#);
    let end = r#""type":"run-finished","conclusion":"success","jobs":{},"duration_ms":5"#.to_owned();
    let warning = r#","level":"warning""#;
    let bodies = [
        notice("", "news\\n  | of two lines"),
        notice(warning, "it failed\\n  | Traceback\\n  |   at \\u001b[1mx"),
        end,
    ];
    let lines = bodies.iter().enumerate();
    let lines: Vec<_> = lines.map(|(at, body)| format!("{{\"seq\":{at},\"at_ms\":0,{body}}}\n")).collect();
    let journal = lines.concat();
    assert_snapshot!(plain(&journal, UNICODE, Verbosity::Normal), @r"
    notice: news
        | of two lines
    warning: it failed
        | Traceback
        |   at x


    1 warning
      warning: it failed
        | Traceback
        |   at x
    ✓ success in 0.0s
    ");
    assert_snapshot!(plain(&journal, UNICODE, Verbosity::Quiet), @r"
    1 warning
      warning: it failed
        | Traceback
        |   at x
    ✓ success in 0.0s
    ");
}
