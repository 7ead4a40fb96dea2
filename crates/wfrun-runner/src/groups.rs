//! Concurrency groups across all runs of a repository on this machine: a file for each group says who is in it and who
//! waits.
//!
//! Source: GitHub: planning rules 4.7.
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wfrun_engine::ConcurrencyGroup;

/// How often who waits, or may have to give way, looks at the file.
const LOOK: Duration = Duration::from_millis(100);

/// The groups of one repository.
#[derive(Debug, Clone)]
pub struct Groups {
    folder: PathBuf,
}

/// A place in a group; leaves it when dropped.
#[derive(Debug)]
pub struct Membership {
    file: PathBuf,
    id: String,
    group: ConcurrencyGroup,
}

/// What a member finds when it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It waits.
    Pending,
    /// It may run.
    Running,
    /// Another took its place.
    Lost,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    running: Option<Member>,
    pending: Vec<Member>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Member {
    id: String,
    /// The process that holds the place.
    owner: String,
    /// Whether it has to give way.
    lost: bool,
}

impl State {
    /// Who waits longest runs where nobody does.
    fn promote(&mut self) {
        if self.running.is_none() && !self.pending.is_empty() {
            self.running = Some(self.pending.remove(0));
        }
    }
}

impl Groups {
    /// The groups of a repository, below the folder that all runs of this user share.
    pub fn of(folder: &Path, repository: &str) -> Self {
        Self { folder: folder.join(digest(&repository.to_ascii_lowercase())) }
    }

    /// Takes a place in a group: at once, or behind others.
    pub fn enter(&self, group: &ConcurrencyGroup) -> io::Result<Membership> {
        fs::create_dir_all(&self.folder)?;
        let file = self.folder.join(digest(&group.key()));
        let id = uuid::Uuid::new_v4().to_string();
        let member = Member { id: id.clone(), owner: wfrun_backend::owner(), lost: false };
        change(&file, |state| {
            // Who was there first is not to be displaced for not having looked yet.
            state.promote();
            if group.cancel_in_progress
                && let Some(running) = &mut state.running
            {
                running.lost = true;
            }
            if !group.queues_all {
                // Who waits never begins.
                state.pending.clear();
            }
            if state.pending.len() < ConcurrencyGroup::MOST_PENDING {
                state.pending.push(member);
            }
            state.promote();
        })?;
        Ok(Membership { file, id, group: group.clone() })
    }
}

impl Membership {
    /// Looks how the place stands.
    pub fn look(&self) -> io::Result<Standing> {
        change(&self.file, |state| {
            state.promote();
            match &state.running {
                Some(running) if running.id == self.id => {
                    if running.lost {
                        Standing::Lost
                    } else {
                        Standing::Running
                    }
                }
                _ if state.pending.iter().any(|it| it.id == self.id) => Standing::Pending,
                _ => Standing::Lost,
            }
        })
    }

    /// Waits until the place stands otherwise than it did.
    pub async fn changed(&self, from: Standing) -> io::Result<Standing> {
        loop {
            let now = self.look()?;
            if now != from {
                return Ok(now);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What GitHub says to who lost its place.
    pub fn why_lost(&self) -> String {
        self.group.why_lost()
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let left = change(&self.file, |state| {
            state.pending.retain(|it| it.id != self.id);
            state.running.take_if(|it| it.id == self.id);
        });
        if let Err(err) = left {
            tracing::warn!("the concurrency group `{}` could not be left: {err}", self.group.name);
        }
    }
}

/// Changes a group's state while nobody else does; who has died is taken out first.
fn change<T>(path: &Path, of: impl FnOnce(&mut State) -> T) -> io::Result<T> {
    let file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
    let mut file = Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| io::Error::from(errno))?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    // A file that a killed process left half written says nothing.
    let mut state: State = serde_json::from_str(&text).unwrap_or_default();
    let lives = |it: &Member| wfrun_backend::owner_lives(&it.owner);
    state.running.take_if(|it| !lives(it));
    state.pending.retain(lives);
    let result = of(&mut state);
    let new = serde_json::to_string(&state).map_err(io::Error::other)?;
    if new != text {
        file.rewind()?;
        file.set_len(0)?;
        file.write_all(new.as_bytes())?;
    }
    Ok(result)
}

fn digest(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(cancel_in_progress: bool, queues_all: bool) -> ConcurrencyGroup {
        ConcurrencyGroup { name: "Deploy".to_owned(), cancel_in_progress, queues_all }
    }

    fn look(of: &[&Membership]) -> Vec<Standing> {
        of.iter().map(|it| it.look().expect("a file")).collect()
    }

    #[test]
    fn one_runs_and_one_waits() {
        let folder = tempfile::tempdir().expect("a folder");
        let groups = Groups::of(folder.path(), "o/r");
        let first = groups.enter(&group(false, false)).expect("entered");
        // Also before the first has looked.
        let second = groups.enter(&group(false, false)).expect("entered");
        assert_eq!(look(&[&second, &first]), [Standing::Pending, Standing::Running]);
        // The newest takes the place of who waits.
        let third = groups.enter(&ConcurrencyGroup { name: "dEPLOY".to_owned(), ..group(false, false) });
        let third = third.expect("entered");
        assert_eq!(look(&[&first, &second, &third]), [Standing::Running, Standing::Lost, Standing::Pending]);
        drop(first);
        assert_eq!(look(&[&third]), [Standing::Running]);
        let elsewhere = Groups::of(folder.path(), "o/other").enter(&group(false, false)).expect("entered");
        assert_eq!(look(&[&elsewhere]), [Standing::Running], "another repository");
    }

    #[test]
    fn who_enters_may_end_who_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        let groups = Groups::of(folder.path(), "o/r");
        let first = groups.enter(&group(false, false)).expect("entered");
        assert_eq!(look(&[&first]), [Standing::Running]);
        let second = groups.enter(&group(true, false)).expect("entered");
        // It begins once the other has ended.
        assert_eq!(look(&[&first, &second]), [Standing::Lost, Standing::Pending]);
        drop(first);
        assert_eq!(look(&[&second]), [Standing::Running]);
    }

    #[test]
    fn all_may_wait_in_turn() {
        let folder = tempfile::tempdir().expect("a folder");
        let groups = Groups::of(folder.path(), "o/r");
        let all: Vec<Membership> = (0..4).map(|_| groups.enter(&group(false, true)).expect("entered")).collect();
        let standing = |of: &[Membership]| look(&of.iter().collect::<Vec<_>>());
        assert_eq!(standing(&all)[..2], [Standing::Running, Standing::Pending]);
        assert_eq!(standing(&all[1..])[0], Standing::Pending);
        let mut rest = all;
        drop(rest.remove(0));
        assert_eq!(standing(&rest), [Standing::Running, Standing::Pending, Standing::Pending]);
    }

    #[test]
    fn the_dead_hold_no_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let groups = Groups::of(folder.path(), "o/r");
        let first = groups.enter(&group(false, false)).expect("entered");
        assert_eq!(look(&[&first]), [Standing::Running]);
        let text = fs::read_to_string(&first.file).expect("a file");
        let text = text.replace(&format!("\"owner\":\"{}", std::process::id()), "\"owner\":\"4194305");
        fs::write(&first.file, text).expect("written");
        let second = groups.enter(&group(false, false)).expect("entered");
        assert_eq!(look(&[&second]), [Standing::Running]);
        fs::write(&second.file, "{\"running\":").expect("written");
        let third = groups.enter(&group(false, false)).expect("entered");
        assert_eq!(look(&[&third]), [Standing::Running], "half a file says nothing");
    }
}
