//! `wfrun doctor`: what this machine offers, and what to do about what is missing.
use wfrun_report::{doctor_json, doctor_text, from_act_json, from_act_text};

use crate::cli::DoctorArgs;
use crate::doctor::{examine, from_act, look};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::Output;
use crate::{find, outbound};

/// Looks at the machine and says what it found; could not, where no job can run.
pub(crate) fn doctor(args: &DoctorArgs, environment: &Environment, output: &Output) -> anyhow::Result<Exit> {
    if args.from_act {
        let from = find::directory(args.directory.as_deref())?;
        let habits = from_act(&from, args.directory.is_some(), environment);
        let text =
            if args.json { format!("{:#}\n", from_act_json(&habits)) } else { from_act_text(&habits, &output.stdout) };
        Output::data(&text);
        return Ok(Exit::Success);
    }
    let scratch = tempfile::tempdir()?;
    let outbound = match outbound::read(args.ca_file.as_deref(), environment) {
        // That the cache folder cannot be written is one of the things to say.
        Err(err) if Output::exit_of(&err) == Exit::CouldNot => {
            outbound::read_into(scratch.path(), args.ca_file.as_deref())
        }
        other => other,
    }?;
    let from = find::directory(args.directory.as_deref())?;
    let root = find::around(&from).and_then(|it| it.ancestors().nth(2)?.canonicalize().ok());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let machine = runtime.block_on(look(environment, &outbound, root.as_deref()));
    runtime.shutdown_background();
    let examination = examine(&machine);
    let text = if args.json {
        format!("{:#}\n", doctor_json(&examination))
    } else {
        doctor_text(&examination, &output.stdout)
    };
    Output::data(&text);
    Ok(if examination.usable.is_empty() { Exit::CouldNot } else { Exit::Success })
}
