package io.stencil.hub.fetch;

/// How files are fetched.
///
/// @param connections that are open at a time
/// @param chunkBytes of one range
public record FetchSettings(int connections, long chunkBytes) {

    public static final FetchSettings DEFAULT = new FetchSettings(8, 16L << 20);
}
