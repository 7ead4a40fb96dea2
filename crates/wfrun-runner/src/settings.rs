use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_backend::{Backend, Outbound};

use crate::{Actions, Snapshot};

/// What carrying out a run needs to know. All paths are absolute.
#[derive(Clone)]
pub struct RunSettings {
    /// The concurrency groups of the repository.
    pub groups: crate::Groups,
    /// The run's id: the name of its folder.
    pub run_id: String,
    /// `owner/name`
    pub repository: String,
    /// Where jobs run.
    pub backend: Arc<dyn Backend>,
    /// The images for `runs-on` labels that the caller chose.
    pub images: IndexMap<String, String>,
    /// The ids of images that the engine does not know by the names that workflows give them.
    pub image_ids: IndexMap<String, String>,
    /// Tools that jobs find in their tool caches.
    pub tools: Vec<crate::FoundTool>,
    /// Where job work folders are made; each is removed at its job's end.
    pub work_root: PathBuf,
    /// Folders of wfrun's own that no job may see.
    pub hidden: Vec<PathBuf>,
    /// Where to keep what jobs leave in their workspaces, if anywhere.
    pub keep_workspaces: Option<PathBuf>,
    /// The trees that were checked out before.
    pub trees: crate::Trees,
    /// The commit that jobs check out.
    pub snapshot: Snapshot,
    /// Whether nothing may be fetched.
    pub offline: bool,
    /// Where actions come from.
    pub actions: Actions,
    /// This machine's proxies, certificates and package indexes.
    pub outbound: Arc<Outbound>,
    /// This machine's Node, for images that have none.
    pub node: Option<PathBuf>,
    /// The Node that was vendored, for JavaScript actions of jobs that have none of their major version.
    pub vendored_node: Option<PathBuf>,
    /// The program that is wfrun, its agent and its stand-ins.
    pub executable: PathBuf,
    /// Commands for which stand-ins are put on the search path, behind what there is.
    pub shims: Vec<String>,
    /// The same, before what there is.
    pub covers: Vec<String>,
    /// `github.ref`, and the refs whose caches may be read besides.
    pub cache_scopes: Vec<String>,
}

impl RunSettings {
    /// What the engine is asked for where a workflow names an image.
    pub(crate) fn image(&self, name: &str) -> String {
        self.image_ids.get(name).map_or(name, String::as_str).to_owned()
    }
}

/// Whether the AWS account on this machine takes the place of the real one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwsMode {
    /// It does.
    Emulate,
    /// Steps get no AWS at all.
    Off,
}
