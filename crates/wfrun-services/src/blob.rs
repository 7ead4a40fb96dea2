//! The part of Azure's Blob service that GitHub's clients use, behind signed URLs.
//!
//! Source: GitHub: execution rules E9.7; <https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-rest-api>

mod block_list;
mod error;
mod range;
mod receive;
mod requests;
mod spool;
mod transfers;
mod under_way;

pub(crate) use error::BlobError;
pub(crate) use receive::{Archive, receive};
pub(crate) use requests::{Answered, PUT_BLOB, answer, take_block};
pub(crate) use transfers::{Content, Described, Right, Subject, Transfer, Transfers, Upload};
pub(crate) use under_way::{Bodies, UnderWay};
