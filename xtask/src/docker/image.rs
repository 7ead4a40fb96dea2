//! The images: a root file system by debootstrap, packed once, imported where the engine does not have it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use super::engine;
use super::recipe::{BASE, Host, PYTHON, RUNNER, Recipe, SUITE};
use crate::process::{as_root, capture, on_path, run, run_logged, say};

/// Where the images keep the bundle of trusted certificates.
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Makes the runner image and the base of the example, where they are not there yet.
pub(super) fn ensure_all(state: &Path) -> Result<()> {
    if engine::server_version().is_none() {
        bail!("no engine answers, and images are kept by one: `cargo xtask docker --engine-only` starts it");
    }
    let host = Host::look();
    let mut base = None;
    for recipe in [&RUNNER, &PYTHON] {
        ensure(recipe, &host, state, &mut base)?;
    }
    if let Some(base) = base {
        remove_tree(&base)?;
    }
    Ok(())
}

fn ensure(recipe: &Recipe, host: &Host, state: &Path, base: &mut Option<PathBuf>) -> Result<()> {
    let identity = host.identity(recipe);
    match present(recipe.image) {
        Some(label) if label == identity => {
            say(format!("image: {} is there ({identity})", recipe.image));
            return Ok(());
        }
        Some(label) if label.is_empty() && recipe.substitute => {
            say(format!("image: {} is there and not made here, left as it is", recipe.image));
            return Ok(());
        }
        Some(_) | None => {}
    }
    let images = state.join("images");
    fs::create_dir_all(&images).with_context(|| format!("{} cannot be created", images.display()))?;
    let packed = images.join(format!("{}-{identity}.tar", recipe.name));
    let started = Instant::now();
    if !packed.exists() {
        if base.is_none() {
            *base = Some(make_base(host, &images)?);
        }
        let base = base.as_deref().expect("it was made in the line above");
        make(recipe, host, base, &packed)?;
    }
    import(recipe, &identity, &packed)?;
    say(format!("image: {} made in {:.0} s", recipe.image, started.elapsed().as_secs_f64()));
    if recipe.substitute {
        say(format!(
            "image: {} is a local substitute from Debian {SUITE} (label wfrun.substitute=true), not the one on Docker Hub",
            recipe.image
        ));
    }
    drop_older(recipe, &images, &packed)
}

/// The recipe label of the image that the engine has; empty where it has none.
fn present(image: &str) -> Option<String> {
    capture(Command::new("docker").args([
        "image",
        "inspect",
        "--format",
        "{{with .Config}}{{index .Labels \"wfrun.recipe\"}}{{end}}",
        image,
    ]))
}

fn make_base(host: &Host, images: &Path) -> Result<PathBuf> {
    if !on_path("debootstrap") && !Path::new("/usr/sbin/debootstrap").exists() {
        engine::install(&["debootstrap", "debian-archive-keyring"], images)?;
    }
    let root = images.join("base");
    remove_tree(&root)?;
    let log = images.join("base.log");
    let started = Instant::now();
    say(format!("image: debootstrap {SUITE} from {}", host.mirror));
    run_logged(as_root("debootstrap").args(["--variant=minbase", SUITE]).arg(&root).arg(&host.mirror), &log).context(
        "debootstrap failed: it needs root and a Debian mirror; without images, `wfrun --backend sandbox` runs jobs all the same",
    )?;
    lend_certificates(host, &root)?;
    inside(&root, BASE, &log)?;
    if let Some(bundle) = &host.certificates {
        copy(bundle, &root.join(&BUNDLE[1..]))?;
    }
    say(format!("image: base of all images in {:.0} s", started.elapsed().as_secs_f64()));
    Ok(root)
}

/// What the host's administrator added to the trusted certificates, so that containers trust it too.
fn lend_certificates(host: &Host, root: &Path) -> Result<()> {
    let added = Path::new("/usr/local/share/ca-certificates");
    if host.certificates.is_some() && added.is_dir() {
        let target = root.join("usr/local/share");
        run(as_root("mkdir").arg("-p").arg(&target))?;
        run(as_root("cp").arg("-a").arg(added).arg(&target))?;
    }
    Ok(())
}

fn make(recipe: &Recipe, host: &Host, base: &Path, packed: &Path) -> Result<()> {
    let root = packed.with_extension("root");
    let log = packed.with_extension("log");
    remove_tree(&root)?;
    run(as_root("cp").arg("-a").arg(base).arg(&root))?;
    if recipe.node {
        lend_node(host, &root)?;
    }
    inside(&root, recipe.script, &log)?;
    if let Some((what, script)) = recipe.optional
        && let Err(err) = inside(&root, script, &log)
    {
        say(format!("image: {} goes without {what}: {err:#}", recipe.image));
        say(format!(
            "image: to try again, `docker rmi {}`, remove {} and run this anew",
            recipe.image,
            packed.display()
        ));
    }
    inside(
        &root,
        "apt-get clean; rm -rf /var/lib/apt/lists/* /var/log/*.log /var/log/apt /tmp/* /usr/share/doc/* /usr/share/man/*; : > /etc/resolv.conf",
        &log,
    )?;
    let unfinished = packed.with_extension("part");
    run(as_root("tar").args(["--numeric-owner", "-c", "-f"]).arg(&unfinished).arg("-C").arg(&root).arg("."))?;
    fs::rename(&unfinished, packed).with_context(|| format!("{} cannot be renamed", unfinished.display()))?;
    remove_tree(&root)
}

fn lend_node(host: &Host, root: &Path) -> Result<()> {
    let Some((file, version)) = &host.node else {
        say(
            "image: this machine has no Node 20 or newer to lend, so the image gets Debian's Node 18: actions for node20 may not run in it",
        );
        return Ok(());
    };
    say(format!("image: Node {version} from {}", file.display()));
    copy(file, &root.join("usr/local/bin/node"))
}

/// Runs a script in the root file system, in a mount namespace of its own, so that nothing stays mounted whatever happens.
fn inside(root: &Path, script: &str, log: &Path) -> Result<()> {
    const ENTER: &str = "set -eu; mount -t proc proc \"$1/proc\"; mount --rbind /dev \"$1/dev\"; cp -L /etc/resolv.conf \"$1/etc/resolv.conf\"; \
        exec chroot \"$1\" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive PIP_CERT=/etc/ssl/certs/ca-certificates.crt bash -eu -o pipefail -c \"$2\"";
    let mut command = as_root("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "enter"]).arg(root).arg(script);
    run_logged(&mut command, log)
}

fn import(recipe: &Recipe, identity: &str, packed: &Path) -> Result<()> {
    let mut command = Command::new("docker");
    command.arg("import");
    let certificates = format!(
        "ENV SSL_CERT_FILE={BUNDLE} REQUESTS_CA_BUNDLE={BUNDLE} PIP_CERT={BUNDLE} NODE_EXTRA_CA_CERTS={BUNDLE}"
    );
    let path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned();
    let label = format!("LABEL wfrun.recipe={identity}");
    for change in recipe.changes.iter().map(ToString::to_string).chain([certificates, path, label]) {
        command.args(["--change", &change]);
    }
    command.arg(packed).arg(recipe.image);
    if capture(&mut command).is_none() {
        bail!(
            "`docker import` of {} failed: does an engine answer (`docker version`), and is its disk full (`docker system df`)?",
            packed.display()
        );
    }
    Ok(())
}

/// Keeps the newest file of a recipe only: each is some hundred megabytes.
fn drop_older(recipe: &Recipe, images: &Path, newest: &Path) -> Result<()> {
    let entries = fs::read_dir(images).with_context(|| format!("{} cannot be read", images.display()))?;
    for file in entries.flatten().map(|entry| entry.path()) {
        let ours = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(recipe.name));
        if ours && file != newest && file.extension().is_some_and(|extension| extension == "tar") {
            run(as_root("rm").arg("-f").arg(&file))?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    run(as_root("cp").arg("-L").arg(from).arg(to))
}

fn remove_tree(root: &Path) -> Result<()> {
    run(as_root("rm").args(["-rf", "--one-file-system"]).arg(root))
}
