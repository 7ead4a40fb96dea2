//! Lists in pages whose token names the last item that was shown, so that what is created or deleted meanwhile shifts nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The next `size` of `items`, which have keys, after the one that `token` names, and the token of the page behind them. `None` where
/// there is no such token. `size` is above 0.
pub(crate) fn page_after<K: AsRef<str>, T>(
    items: Vec<(K, T)>,
    token: Option<&str>,
    size: usize,
) -> Option<(Vec<T>, Option<String>)> {
    let start = match token {
        None => 0,
        Some(token) => {
            let last = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
            items.iter().position(|(key, _)| key.as_ref() == last)? + 1
        }
    };
    let more = items.len().saturating_sub(start) > size;
    let next = more.then(|| URL_SAFE_NO_PAD.encode(items[start + size - 1].0.as_ref()));
    Some((items.into_iter().skip(start).take(size).map(|(_, item)| item).collect(), next))
}
