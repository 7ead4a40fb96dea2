//! A step's output, line by line: commands and plain text.
//!
//! Source: GitHub: execution rules E4.
use wfrun_journal::{AnnotationLevel, Line, Phase, RunEventKind, Secret, Stream};
use wfrun_plan::{JobKey, StepPath};

use super::Engine;
use super::step_end::number;
use crate::Command;
use crate::command::parse_command;
use crate::strand::Current;

impl Engine {
    pub(super) fn lines(&mut self, key: &JobKey, process: u64, stream: Stream, lines: &[String]) {
        if !self.jobs.get_mut(key).is_some_and(|it| it.turn_to(process)) {
            return;
        }
        for line in lines {
            self.line(key, stream, line);
        }
    }

    fn line(&mut self, key: &JobKey, stream: Stream, line: &str) {
        let Some(current) = self.current_mut(key) else { return };
        if current.stop.swallows(line) {
            return self.print(key, stream, line);
        }
        match parse_command(line) {
            Some(command) => self.command(key, stream, line, &command),
            None => self.print(key, stream, line),
        }
    }

    fn print(&mut self, key: &JobKey, stream: Stream, text: &str) {
        let Some((step, phase)) = self.current_step(key) else { return };
        let text = self.masker.mask(text);
        self.emit(RunEventKind::Line(Line { job: key.clone(), step, phase, stream, text }));
    }

    fn current_mut(&mut self, key: &JobKey) -> Option<&mut Current> {
        self.jobs.get_mut(key)?.current_mut()
    }

    fn current_step(&self, key: &JobKey) -> Option<(StepPath, Phase)> {
        let stage = &self.jobs.get(key)?.current()?.stage;
        Some((stage.path.clone(), stage.phase))
    }

    fn command(&mut self, key: &JobKey, stream: Stream, line: &str, command: &Command) {
        let data = command.data.as_str();
        let name = command.properties.get("name").filter(|it| !it.is_empty());
        let done = match command.name {
            "debug" => return,
            "notice" => return self.issue(key, AnnotationLevel::Notice, command),
            "warning" => return self.issue(key, AnnotationLevel::Warning, command),
            "error" => return self.issue(key, AnnotationLevel::Error, command),
            "group" => return self.print(key, stream, &format!("##[group]{data}")),
            "endgroup" => return self.print(key, stream, "##[endgroup]"),
            "add-mask" => {
                self.add_mask(key, data);
                Ok(())
            }
            "echo" => self.set_echo(key, data),
            "stop-commands" => {
                self.print(key, stream, line);
                self.stop_commands(key, data)
            }
            "set-output" => self.set_output(key, name, data),
            "save-state" => self.save_state(key, name, data),
            "set-env" | "add-path" => Err(disabled(command.name)),
            // Differs: problem matchers are not applied yet; lines stay lines.
            _ => Ok(()),
        };
        if let Err(reason) = done {
            self.fail_command(key, line, &reason);
        } else if self.current_mut(key).is_some_and(|it| it.echo) && command.name != "stop-commands" {
            let shown = if command.name == "add-mask" { "::add-mask::***" } else { line };
            self.print(key, stream, shown);
        }
    }

    fn fail_command(&mut self, key: &JobKey, line: &str, reason: &str) {
        let message = format!("Unable to process command '{line}' successfully.");
        self.annotate(key, AnnotationLevel::Error, &message);
        self.annotate(key, AnnotationLevel::Error, reason);
        if let Some(current) = self.current_mut(key) {
            current.command_failed = true;
        }
    }

    fn issue(&mut self, key: &JobKey, level: AnnotationLevel, command: &Command) {
        let mut annotation = self.annotation(key, level, &command.data);
        let text = |name: &str| command.properties.get(name).map(|it| self.masker.mask(it));
        annotation.file = text("file");
        annotation.title = text("title");
        let property = |name: &str| number(command.properties.get(name));
        annotation.line = property("line").or(property("endline"));
        annotation.end_line = property("endline");
        annotation.col = property("col").or(property("endcolumn"));
        annotation.end_col = property("endcolumn");
        normalise(&mut annotation);
        self.emit_annotation(key, annotation);
    }

    fn add_mask(&mut self, key: &JobKey, value: &str) {
        if value.trim().is_empty() {
            let message = "Can't add secret mask for empty string in ##[add-mask] command.";
            self.annotate(key, AnnotationLevel::Warning, message);
        }
        self.masker.learn(&Secret::new(value));
    }

    fn set_echo(&mut self, key: &JobKey, value: &str) -> Result<(), String> {
        let on = match value.trim().to_ascii_lowercase().as_str() {
            "on" => true,
            "off" => false,
            _ => {
                return Err(format!(
                    "Invalid echo command value. Possible values can be: 'on', 'off'. Current value is: '{value}'."
                ));
            }
        };
        if let Some(current) = self.current_mut(key) {
            current.echo = on;
        }
        Ok(())
    }

    fn stop_commands(&mut self, key: &JobKey, token: &str) -> Result<(), String> {
        let stopped = self.current_mut(key).is_some_and(|it| it.stop.stop(token));
        if !stopped {
            return Err("Invalid stop-commands token: it must not be empty, `pause-logging` or the name of a command"
                .to_owned());
        }
        // Source: GitHub: execution rules E4.3: a long token is masked.
        if token.len() > 6 {
            self.masker.learn(&Secret::new(token));
        }
        Ok(())
    }

    fn set_output(&mut self, key: &JobKey, name: Option<&String>, value: &str) -> Result<(), String> {
        let name = name.ok_or("Required field 'name' is missing in ##[set-output] command.")?.clone();
        let has_id = self.current_id(key);
        let Some(state) = self.jobs.get_mut(key) else { return Ok(()) };
        let Some(current) = state.current_mut() else { return Ok(()) };
        let path = current.stage.path.clone();
        current.outputs.insert(name.clone(), value.to_owned());
        // Set by a command, an output is there at once; that of a background step once it is waited for.
        if let Some(id) = has_id {
            let results = match state.composite_of_mut(&path) {
                Some(composite) => &mut composite.results,
                None => &mut state.results,
            };
            results.entry(id).or_default().outputs.insert(name, value.to_owned());
        }
        self.deprecated(key, "set-output");
        Ok(())
    }

    fn save_state(&mut self, key: &JobKey, name: Option<&String>, value: &str) -> Result<(), String> {
        let name = name.ok_or("Required field 'name' is missing in ##[save-state] command.")?.clone();
        if let Some(state) = self.jobs.get_mut(key)
            && let Some(path) = state.current().map(|it| it.stage.path.clone())
        {
            state.saved.entry(path).or_default().insert(name, value.to_owned());
        }
        self.deprecated(key, "save-state");
        Ok(())
    }

    fn current_id(&self, key: &JobKey) -> Option<String> {
        let state = self.jobs.get(key)?;
        let stage = &state.current()?.stage;
        let step = self.model_step(key, &stage.path)?;
        let background = state.strand().and_then(|it| it.background.as_ref()).is_some_and(|it| it.path == stage.path);
        (step.has_id && stage.phase == Phase::Main && !background).then(|| step.id.to_string())
    }

    fn deprecated(&mut self, key: &JobKey, command: &str) {
        let message = format!(
            "The `{command}` command is deprecated and will be disabled soon. Please upgrade to using Environment Files. \
             For more information see: https://github.blog/changelog/2022-10-11-github-actions-deprecating-save-state-and-set-output-commands/"
        );
        self.annotate(key, AnnotationLevel::Warning, &message);
    }
}

fn disabled(command: &str) -> String {
    format!(
        "The `{command}` command is disabled. Please upgrade to using Environment Files or opt into unsecure command \
         execution by setting the `ACTIONS_ALLOW_UNSECURE_COMMANDS` environment variable to `true`. For more \
         information see: https://github.blog/changelog/2020-10-01-github-actions-deprecating-set-env-and-add-path-commands/"
    )
}

/// Source: GitHub: execution rules E4.4.
fn normalise(annotation: &mut wfrun_journal::Annotation) {
    let spans_lines = annotation.end_line.is_some_and(|it| Some(it) != annotation.line);
    if annotation.line.is_none() || spans_lines {
        annotation.col = None;
        annotation.end_col = None;
    }
    if annotation.end_line < annotation.line && annotation.end_line.is_some() {
        annotation.line = None;
        annotation.end_line = None;
    }
    if annotation.end_col < annotation.col && annotation.end_col.is_some() {
        annotation.col = None;
        annotation.end_col = None;
    }
}
