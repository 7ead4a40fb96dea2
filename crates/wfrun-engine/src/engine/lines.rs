//! A step's output, line by line: commands, what matchers find, and plain text.
//!
//! Source: GitHub: execution rules E4.1.
use std::borrow::Cow;

use wfrun_journal::{Lines, LongLine, Masked, Phase, RunEventKind, Stream};
use wfrun_plan::{JobKey, StepPath};

use super::Engine;
use crate::FactKind;
use crate::command::{may_be_command, may_have_commands, parse_command};
use crate::strand::Current;

/// Where lines come from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) job: JobKey,
    pub(crate) process: u64,
    pub(super) stream: Stream,
    pub(super) step: StepPath,
    pub(super) phase: Phase,
}

impl Origin {
    pub(crate) fn key(&self) -> (u64, Stream) {
        (self.process, self.stream)
    }
}

impl Engine {
    /// Takes lines in; `goes_on`: the last one is a piece of a line that is too long to come as a whole.
    pub(super) fn lines(&mut self, key: &JobKey, process: u64, stream: Stream, mut lines: String, goes_on: bool) {
        if !self.jobs.get_mut(key).is_some_and(|it| it.turn_to(process)) {
            return;
        }
        let Some((step, phase)) = self.current_step(key) else { return };
        let from = Origin { job: key.clone(), process, stream, step, phase };
        let mut continues = self.outputs.has_long_line(&from);
        // Most output is nothing but text, and that is not looked at line by line.
        if !continues && !goes_on && !may_have_commands(&lines) && self.outputs.matchers(&from).is_none() {
            match self.masker.unless_touched(lines) {
                Ok(text) => return self.emit_lines(&from, text),
                Err(touched) => lines = touched,
            }
        }
        let mut rest = Some(lines.as_str());
        while let Some(lines) = rest {
            let (line, next) = lines.split_once('\n').map_or((lines, None), |(line, next)| (line, Some(next)));
            rest = next;
            let is_piece = goes_on && rest.is_none();
            if is_piece || std::mem::take(&mut continues) {
                self.piece(&from, line, is_piece);
            } else {
                self.line(&from, line);
            }
            // A file has to be read first: what comes after the line must see what is in it.
            if self.outputs.is_held(key, process) {
                if let Some(lines) = rest.map(str::to_owned) {
                    let job = key.clone();
                    self.outputs.hold_first(FactKind::Lines { job, process, stream, lines, goes_on });
                }
                return;
            }
        }
    }

    fn line(&mut self, from: &Origin, line: &str) {
        if !may_be_command(line) {
            return self.no_command(from, line);
        }
        let Some(current) = self.current_mut(from) else { return };
        if current.stop.swallows(line) {
            return self.no_command(from, &unforged(line));
        }
        match parse_command(line) {
            Some(command) => self.command(from, line, &command),
            None => self.no_command(from, &unforged(line)),
        }
    }

    fn no_command(&mut self, from: &Origin, line: &str) {
        if !self.matched(from, line) {
            let text = self.masker.mask(line);
            self.emit_lines(from, text);
        }
    }

    /// A part of a line that is longer than wfrun takes as a whole.
    ///
    /// Differs: a line longer than 1 MiB is shown as several, and is no command and no problem.
    fn piece(&mut self, from: &Origin, piece: &str, goes_on: bool) {
        let mut long = if let Some(long) = self.outputs.take_long_line(from) {
            long
        } else {
            let command = may_be_command(piece).then(|| parse_command(piece)).flatten();
            if let Some(command) = command {
                let message = format!("The command `{}` is longer than 1 MiB and was not carried out.", command.name);
                self.fail_command(from, command.name, &message);
            }
            LongLine::default()
        };
        let text = long.push(&self.masker, piece);
        if !text.as_str().is_empty() {
            self.emit_lines(from, text);
        }
        if goes_on {
            self.outputs.put_long_line(from, long);
        } else {
            let text = long.finish(&self.masker);
            if !text.as_str().is_empty() {
                self.emit_lines(from, text);
            }
        }
    }

    /// A long line that was not over when its process was.
    pub(super) fn finish_long_lines(&mut self, key: &JobKey, process: u64) {
        let Some((step, phase)) = self.current_step(key) else { return };
        for stream in [Stream::Stdout, Stream::Stderr] {
            let from = Origin { job: key.clone(), process, stream, step: step.clone(), phase };
            if let Some(long) = self.outputs.take_long_line(&from) {
                let text = long.finish(&self.masker);
                self.emit_lines(&from, text);
            }
        }
    }

    /// Prints text that may have several lines.
    pub(super) fn print(&mut self, from: &Origin, text: &str) {
        for line in text.split('\n') {
            let text = self.masker.mask(line.strip_suffix('\r').unwrap_or(line));
            self.emit_lines(from, text);
        }
    }

    pub(super) fn emit_lines(&mut self, from: &Origin, text: Masked) {
        let Origin { job, stream, step, phase, process: _ } = from;
        let (job, step, phase, stream) = (job.clone(), step.clone(), *phase, *stream);
        self.emit(RunEventKind::Lines(Lines { job, step, phase, stream, text }));
    }

    /// What is printed only where the steps' own debugging is switched on.
    pub(super) fn debug(&mut self, from: &Origin, message: &str) {
        if !self.is_debug {
            return;
        }
        for line in message.lines() {
            self.print(from, &format!("##[debug]{line}"));
        }
    }

    pub(super) fn current_mut(&mut self, from: &Origin) -> Option<&mut Current> {
        self.jobs.get_mut(&from.job)?.current_mut()
    }

    pub(super) fn current_step(&self, key: &JobKey) -> Option<(StepPath, Phase)> {
        let stage = &self.jobs.get(key)?.current()?.stage;
        Some((stage.path.clone(), stage.phase))
    }
}

/// The markers of steps of composite actions are the runner's own.
///
/// Source: GitHub: execution rules E1.11.
fn unforged(line: &str) -> Cow<'_, str> {
    if !line.contains("##[start-action") && !line.contains("##[end-action") {
        return Cow::Borrowed(line);
    }
    Cow::Owned(line.replace("##[start-action", r"##[\start-action").replace("##[end-action", r"##[\end-action"))
}
