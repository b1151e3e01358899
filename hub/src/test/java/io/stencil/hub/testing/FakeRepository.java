package io.stencil.hub.testing;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.IdentityHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/// A repository in memory.
public final class FakeRepository {

    private static final int LARGE = 1000;

    final Map<String, byte[]> files = new TreeMap<>();
    final Set<String> links = ConcurrentHashMap.newKeySet();
    volatile boolean isPrivate;
    volatile boolean hidesHashes;
    volatile boolean hidesCommits;
    int commits;

    /// SHA-256 of each content, which is needed with every range.
    private final Map<byte[], String> sums = Collections.synchronizedMap(new IdentityHashMap<>());

    public synchronized FakeRepository put(String path, byte[] content) {
        files.put(path, content);
        commits++;
        return this;
    }

    public FakeRepository put(String path, String text) {
        return put(path, text.getBytes(StandardCharsets.UTF_8));
    }

    public FakeRepository link(String path) {
        links.add(path);
        return put(path, "elsewhere");
    }

    public FakeRepository remove(String path) {
        files.remove(path);
        return this;
    }

    /// From now on ModelScope's listing names no commit either.
    public FakeRepository hideCommits() {
        hidesCommits = true;
        return hideHashes();
    }

    /// From now on ModelScope's listing names no hashes.
    public FakeRepository hideHashes() {
        hidesHashes = true;
        return this;
    }

    public Map<String, byte[]> files() {
        return files;
    }

    public boolean isPrivate() {
        return isPrivate;
    }

    public synchronized int commits() {
        return commits;
    }

    /// A name of the present state, of the form of a commit's.
    public synchronized String commit() {
        return String.format(Locale.ROOT, "%040x", commits);
    }

    static boolean isLarge(String path, long size) {
        return size > LARGE || path.endsWith(".safetensors");
    }

    public static String sha256(byte[] content) {
        return hex("SHA-256", content);
    }

    /// The SHA-256 of one of its files.
    String sum(byte[] content) {
        return sums.computeIfAbsent(content, FakeRepository::sha256);
    }

    static String gitBlob(byte[] content) {
        byte[] head = ("blob " + content.length + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] all = new byte[head.length + content.length];
        System.arraycopy(head, 0, all, 0, head.length);
        System.arraycopy(content, 0, all, head.length, content.length);
        return hex("SHA-1", all);
    }

    private static String hex(String algorithm, byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
