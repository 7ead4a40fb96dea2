use tokio::sync::mpsc;

/// Where it is told what is done about containers, line by line.
#[derive(Debug, Clone)]
pub struct Log(mpsc::UnboundedSender<String>);

impl Log {
    /// A log, and where its lines come out.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<String>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// One line; passed over when nobody listens.
    pub(crate) fn line(&self, text: impl Into<String>) {
        self.0.send(text.into()).ok();
    }

    /// Lines that belong together, below a title.
    pub(crate) fn group(&self, title: &str, lines: impl IntoIterator<Item = String>) {
        self.line(format!("##[group]{title}"));
        for line in lines {
            self.line(line);
        }
        self.line("##[endgroup]");
    }
}
