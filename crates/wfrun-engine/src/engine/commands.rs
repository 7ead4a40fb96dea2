//! What each workflow command does.
//!
//! Source: GitHub: execution rules E4.2 and E4.3.
use wfrun_journal::{AnnotationLevel, Phase, Secret};

use super::Engine;
use super::lines::Origin;
use crate::output::ReadFor;
use crate::put::put;
use crate::state::JobState;
use crate::{Command, StopCommands};

impl Engine {
    pub(super) fn command(&mut self, from: &Origin, line: &str, command: &Command) {
        let data = command.data.as_str();
        // Those that say nothing themselves are echoed where that is switched on, before they are carried out.
        let is_silent =
            !matches!(command.name, "debug" | "notice" | "warning" | "error" | "add-mask" | "stop-commands");
        let echoes = self.current_mut(from).is_some_and(|it| it.echo);
        if echoes && is_silent {
            self.print(from, line);
        }
        let done = match command.name {
            "debug" => return self.debug(from, data),
            "notice" => return self.issue(from, AnnotationLevel::Notice, command),
            "warning" => return self.issue(from, AnnotationLevel::Warning, command),
            "error" => return self.issue(from, AnnotationLevel::Error, command),
            "group" => return self.print(from, &format!("##[group]{data}")),
            "endgroup" => return self.print(from, "##[endgroup]"),
            "add-mask" => return self.add_mask(from, data, echoes),
            "add-matcher" => return self.ask_for_matchers(from, line, ReadFor::Adding, data),
            "remove-matcher" => return self.remove_matcher(from, line, command),
            "echo" => self.set_echo(from, data),
            "stop-commands" => self.stop_commands(from, line, data),
            "set-output" => self.set_output(from, command),
            "save-state" => self.save_state(from, command),
            "set-env" => self.set_env(from, command),
            "add-path" => self.add_path(from, data),
            // `internal-set-repo-path` is between GitHub's runner and `actions/checkout@v1`.
            _ => Ok(()),
        };
        if let Err(reason) = done {
            self.fail_command(from, line, &reason);
        }
    }

    /// The step fails, whatever its exit code.
    pub(super) fn fail_command(&mut self, from: &Origin, line: &str, reason: &str) {
        let message = format!("Unable to process command '{line}' successfully.");
        self.annotate(&from.job, AnnotationLevel::Error, &message);
        self.annotate(&from.job, AnnotationLevel::Error, reason);
        if let Some(current) = self.current_mut(from) {
            current.command_failed = true;
        }
    }

    fn add_mask(&mut self, from: &Origin, value: &str, echoes: bool) {
        if value.trim().is_empty() {
            let message = "Can't add secret mask for empty string in ##[add-mask] command.";
            return self.annotate(&from.job, AnnotationLevel::Warning, message);
        }
        if echoes {
            self.print(from, "::add-mask::***");
        }
        self.masker.learn_as_it_is(&Secret::new(value));
    }

    fn set_echo(&mut self, from: &Origin, value: &str) -> Result<(), String> {
        if value.is_empty() {
            return Err(null_value("value"));
        }
        let on = match value.trim().to_ascii_lowercase().as_str() {
            "on" => true,
            "off" => false,
            _ => {
                return Err(format!(
                    "Invalid echo command value. Possible values can be: 'on', 'off'. Current value is: '{value}'."
                ));
            }
        };
        if let Some(current) = self.current_mut(from) {
            current.echo = on;
        }
        self.debug(from, &format!("Setting echo command value to '{}'", if on { "on" } else { "off" }));
        Ok(())
    }

    fn stop_commands(&mut self, from: &Origin, line: &str, token: &str) -> Result<(), String> {
        const REFUSED: &str = "You cannot use a endToken that is an empty string, the string 'pause-logging', or another \
            workflow command. For more information see: https://docs.github.com/actions/learn-github-actions/workflow-commands-for-github-actions#example-stopping-and-starting-workflow-commands \
            or opt into insecure command execution by setting the `ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS` environment \
            variable to `true`.";
        if StopCommands::refuses(token) && !self.allows(from, "ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS") {
            return Err(REFUSED.to_owned());
        }
        if let Some(current) = self.current_mut(from) {
            current.stop.stop(token);
        }
        // A long token is masked from now on, also in its own line.
        if token.encode_utf16().count() > 6 {
            self.masker.learn_as_it_is(&Secret::new(token));
        }
        self.print(from, line);
        Ok(())
    }

    fn set_output(&mut self, from: &Origin, command: &Command) -> Result<(), String> {
        self.deprecated(from, "set-output");
        let (name, value) = (named(command)?, command.data.clone());
        let id = self.current_id(from);
        self.debug(from, &format!("{name}='{value}'"));
        let Some(state) = self.jobs.get_mut(&from.job) else { return Ok(()) };
        let Some(current) = state.current_mut() else { return Ok(()) };
        let path = current.stage.path.clone();
        put(&mut current.outputs, name.clone(), value.clone());
        // Set by a command, an output is there at once; that of a background step once it is waited for.
        if let Some(id) = id {
            let results = match state.composite_of_mut(&path) {
                Some(composite) => &mut composite.results,
                None => &mut state.results,
            };
            put(&mut results.entry(id).or_default().outputs, name, value);
        }
        Ok(())
    }

    fn save_state(&mut self, from: &Origin, command: &Command) -> Result<(), String> {
        self.deprecated(from, "save-state");
        let (name, value) = (named(command)?, command.data.clone());
        self.debug(from, &format!("Save intra-action state {name} = {value}"));
        if let Some(state) = self.jobs.get_mut(&from.job)
            && let Some(path) = state.current().map(|it| it.stage.path.clone())
        {
            put(state.saved.entry(path).or_default(), name, value);
        }
        Ok(())
    }

    fn set_env(&mut self, from: &Origin, command: &Command) -> Result<(), String> {
        self.unsecure(from, "set-env")?;
        let (name, value) = (named(command)?, command.data.clone());
        if name.eq_ignore_ascii_case("NODE_OPTIONS") {
            let message = "Can't update NODE_OPTIONS environment variable using ::set-env:: command.";
            self.annotate(&from.job, AnnotationLevel::Error, message);
            return Ok(());
        }
        self.debug(from, &format!("{name}='{value}'"));
        if let Some(state) = self.jobs.get_mut(&from.job) {
            if let Some(current) = state.current_mut() {
                current.env.insert(name.clone(), value.clone());
            }
            state.add_env(name, value);
        }
        Ok(())
    }

    fn add_path(&mut self, from: &Origin, path: &str) -> Result<(), String> {
        self.unsecure(from, "add-path")?;
        if path.is_empty() {
            return Err(null_value("path"));
        }
        if let Some(state) = self.jobs.get_mut(&from.job) {
            state.add_path(path);
        }
        Ok(())
    }

    /// Whether the `env` context opts into something.
    fn allows(&self, from: &Origin, variable: &str) -> bool {
        let current = self.jobs.get(&from.job).and_then(JobState::current);
        let value = current.and_then(|it| it.env.get(variable));
        value.is_some_and(|it| it.trim().eq_ignore_ascii_case("true") || it == "1")
    }

    fn unsecure(&self, from: &Origin, command: &str) -> Result<(), String> {
        if self.allows(from, "ACTIONS_ALLOW_UNSECURE_COMMANDS") {
            return Ok(());
        }
        Err(format!(
            "The `{command}` command is disabled. Please upgrade to using Environment Files or opt into unsecure command \
             execution by setting the `ACTIONS_ALLOW_UNSECURE_COMMANDS` environment variable to `true`. For more \
             information see: https://github.blog/changelog/2020-10-01-github-actions-deprecating-set-env-and-add-path-commands/"
        ))
    }

    fn current_id(&self, from: &Origin) -> Option<String> {
        let state = self.jobs.get(&from.job)?;
        let stage = &state.current()?.stage;
        let step = self.model_step(&from.job, &stage.path)?;
        let background = state.strand().and_then(|it| it.background.as_ref()).is_some_and(|it| it.path == stage.path);
        (step.has_id && stage.phase == Phase::Main && !background).then(|| step.id.to_string())
    }

    fn deprecated(&mut self, from: &Origin, command: &str) {
        let message = format!(
            "The `{command}` command is deprecated and will be disabled soon. Please upgrade to using Environment Files. \
             For more information see: https://github.blog/changelog/2022-10-11-github-actions-deprecating-save-state-and-set-output-commands/"
        );
        self.annotate(&from.job, AnnotationLevel::Warning, &message);
    }
}

fn named(command: &Command) -> Result<String, String> {
    let name = command.properties.get("name").filter(|it| !it.is_empty()).cloned();
    name.ok_or_else(|| format!("Required field 'name' is missing in ##[{}] command.", command.name))
}

/// What .NET says of an argument that must not be empty.
fn null_value(parameter: &str) -> String {
    format!("Value cannot be null. (Parameter '{parameter}')")
}
