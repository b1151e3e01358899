package io.stencil.hub.protocol;

/// A file of a repository.
///
/// @param path inside the repository, with `/` between folders; checked by nobody yet
/// @param plain false for a link or whatever else is no file of its own
public record RemoteFile(String path, long size, Checksum checksum, boolean plain) {}
