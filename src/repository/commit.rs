use serde_json::{Value as Json, json};

/// What git says of a commit.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) id: String,
    tree: String,
    author: (String, String),
    committer: (String, String),
    time: String,
    /// When it was committed.
    pub(crate) committed: String,
    pub(crate) message: String,
    /// Its parents, as far as the clone has them.
    pub(crate) parents: Vec<String>,
}

impl Commit {
    /// Reads what `Repository::commits` asks for.
    pub(super) fn read(text: &str) -> Self {
        let mut lines = text.splitn(10, '\n').map(str::to_owned);
        let mut next = || lines.next().unwrap_or_default();
        let (id, tree, parents) = (next(), next(), next());
        let parents = parents.split(' ').filter(|it| !it.is_empty()).map(str::to_owned).collect();
        let (author, committer) = ((next(), next()), (next(), next()));
        let (time, committed, message) = (next(), next(), next());
        Self { id, tree, author, committer, time, committed, message, parents }
    }

    /// The author's address.
    pub(crate) fn email(&self) -> &str {
        &self.author.1
    }

    /// The shape it has in a push.
    pub(crate) fn to_json(&self, html: &str) -> Json {
        let person = |(name, email): &(String, String)| json!({"name": name, "email": email});
        json!({
            "id": self.id, "tree_id": self.tree, "message": self.message.trim_end(), "timestamp": self.time,
            "author": person(&self.author), "committer": person(&self.committer), "distinct": true,
            "url": format!("{html}/commit/{}", self.id),
        })
    }
}
