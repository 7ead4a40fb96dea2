//! Every view of a journal and of a plan.
//!
//! Views are [`Sink`](wfrun_journal::Sink)s: they take events and the folded record, and keep no bookkeeping of their own.
//! Invariant: nothing here knows who produces the events.
//! Invariant: colour never carries a meaning alone, and without colour no escape sequence is written.
mod dependencies_view;
mod diagnostics;
mod doctor_view;
mod explain;
mod foreseen;
mod from_act_view;
mod gate_view;
mod graph;
mod history_view;
mod journal;
mod list_view;
mod live;
mod log;
mod markdown;
mod ndjson;
mod not_triggered;
mod permissions;
mod plain;
mod plan_view;
mod run_why_view;
mod steps_view;
mod style;
mod summary;
mod summary_file;
mod table_view;
mod tee;
mod test_report;
mod test_view;
mod text;
mod theme;
mod timings;
mod trace_view;
mod view_thread;
mod why_view;

pub use dependencies_view::{Absence, DependencyList, DependencyRow, dependencies_json, dependencies_text};
pub use diagnostics::{diagnostics_github, diagnostics_json, diagnostics_sarif, render_diagnostics};
pub use doctor_view::{Examination, Examined, Standing, doctor_json, doctor_text};
pub use explain::{paragraphs, sentence};
pub use foreseen::foreseen_sentence;
pub use from_act_view::{Bearing, Habit, Habits, from_act_json, from_act_text};
pub use graph::{graph_dot, graph_mermaid, graph_svg, graph_text};
pub use history_view::{
    PastRun, RUN_FIELDS, Writer, past_lines, past_step, runs_json, runs_text, view_json, view_text,
};
pub use journal::{JournalError, JournalReader, read_journal};
pub use list_view::{Listed, list_json, list_text};
pub use live::LiveView;
pub use ndjson::NdjsonWriter;
pub use not_triggered::{not_triggered, occasion_and_cause};
pub use plain::{PlainView, Verbosity};
pub use plan_view::{PlanView, not_triggered_json, plan_json, plan_text};
pub use run_why_view::{RunWhy, run_why_json, run_why_text};
pub use style::{ColorChoice, Style, Surroundings};
pub use summary::render_summary;
pub use summary_file::SummaryFile;
pub use table_view::{Column, table_json, table_markdown, table_text};
pub use tee::Tee;
pub use test_report::{TestCaseReport, TestFailure, TestFileReport, TestReport, test_json, test_junit};
pub use test_view::test_text;
pub use text::{ago, bytes, columns, shell_word};
pub use timings::render_timings;
pub use trace_view::trace_text;
pub use view_thread::ViewThread;
pub use why_view::{JobWhy, Why, why_json, why_text};
