//! `cargo xtask docker`: an engine where there is none, and the images that the docker backend and the examples need.

mod engine;
mod image;
mod recipe;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::process::say;

/// Does what the flags ask for; without one: engine, then images.
pub(crate) fn run(flags: &[String]) -> Result<()> {
    let state = state_folder()?;
    let started = Instant::now();
    match flags.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {
            engine::ensure(&state)?;
            image::ensure_all(&state)?;
        }
        ["--engine-only"] => engine::ensure(&state)?,
        ["--image-only"] => image::ensure_all(&state)?,
        ["--stop"] => engine::stop(&state)?,
        other => bail!("unknown flags {other:?}: one of --engine-only, --image-only, --stop, or none"),
    }
    say(format!("docker: done in {:.1} s", started.elapsed().as_secs_f64()));
    Ok(())
}

/// `$XDG_CACHE_HOME/wfrun`, else `~/.cache/wfrun`: logs, the engine's pid, root file systems.
fn state_folder() -> Result<PathBuf> {
    let caches = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    Ok(caches
        .or_else(home)
        .context("neither XDG_CACHE_HOME nor HOME is set: set one, logs and images are kept there")?
        .join("wfrun"))
}
