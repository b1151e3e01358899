package io.stencil.hub.http;

import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// The hosts of `NO_PROXY`, which are reached without a proxy: names with the names below them, addresses, IPv4
/// networks such as `10.0.0.0/8`, each with or without a port, and `*` for all.
///
/// @param entries in lower case
record NoProxy(List<String> entries) {

    static NoProxy parse(String text) {
        return new NoProxy(Arrays.stream(text.toLowerCase(Locale.ROOT).split("[,\\s]+", -1))
                .filter(entry -> !entry.isEmpty())
                .toList());
    }

    boolean matches(URI target) {
        String host = bare(String.valueOf(target.getHost()).toLowerCase(Locale.ROOT));
        int port = Credentials.port(target);
        return entries.stream().anyMatch(entry -> matches(entry, host, port));
    }

    private static boolean matches(String entry, String host, int port) {
        if (entry.equals("*")) {
            return true;
        }
        int colon = entry.lastIndexOf(':');
        boolean hasPort = colon > 0 && (entry.indexOf(':') == colon || entry.charAt(colon - 1) == ']');
        if (hasPort && !entry.substring(colon + 1).equals(Integer.toString(port))) {
            return false;
        }
        String name = bare(hasPort ? entry.substring(0, colon) : entry);
        if (name.indexOf('/') > 0) {
            return isInNetwork(host, name);
        }
        String suffix = name.replaceFirst("^\\*?\\.", "");
        return host.equals(suffix) || (!suffix.isEmpty() && host.endsWith("." + suffix));
    }

    /// Whether a host that is an IPv4 address is of a network. Names are not resolved.
    private static boolean isInNetwork(String host, String network) {
        int slash = network.indexOf('/');
        String length = network.substring(slash + 1);
        long address = ipv4(host);
        long base = ipv4(network.substring(0, slash));
        if (address < 0 || base < 0 || !length.matches("\\d{1,2}") || Integer.parseInt(length) > 32) {
            return false;
        }
        int free = 32 - Integer.parseInt(length);
        return address >> free == base >> free;
    }

    /// The number of an IPv4 address; -1 for other text.
    private static long ipv4(String text) {
        if (!text.matches("\\d{1,3}(\\.\\d{1,3}){3}")) {
            return -1;
        }
        long number = 0;
        for (String part : text.split("\\.", -1)) {
            int octet = Integer.parseInt(part);
            if (octet > 255) {
                return -1;
            }
            number = number << 8 | octet;
        }
        return number;
    }

    private static String bare(String host) {
        String open = host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
        return open.endsWith(".") ? open.substring(0, open.length() - 1) : open;
    }
}
