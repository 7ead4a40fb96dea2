//! Where `uses:` comes from, and how it gets into a job.
//!
//! An action of a repository is looked for in places whose order [`ActionMode`] says. The files of a commit are written
//! into the store once, and from there into the work folder of each job that uses them: as on GitHub an action may
//! write into its own folder.
mod builtin;
mod content;
mod error;
mod find;
mod local;
mod manifest;
mod moved;
mod placed;
mod refs;
mod remote;
mod sources;
mod store;

pub use builtin::BuiltinActions;
pub(crate) use content::walk as walk_folder;
pub use content::{Content, Origin};
pub use error::{ActionError, Place};
pub(crate) use find::used_by;
pub use find::{Findings, KnownAction, Missing};
pub(crate) use local::{find_in_repository, find_in_workspace, own_manifest};
pub(crate) use placed::ActionFolders;
pub use refs::{RefError, commit_of};
pub use sources::{ActionMode, ActionSettings, Actions, LocalRepository, Mirror, MirrorError};
pub use store::clean_action_store;
