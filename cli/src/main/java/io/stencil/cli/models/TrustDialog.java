package io.stencil.cli.models;

import io.stencil.hub.trust.RemoteCode;
import java.io.Console;
import java.io.PrintWriter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Tells which code is trusted, and asks the user at the terminal where there is one.
///
/// @param console null where nobody sits
record TrustDialog(PrintWriter err, @Nullable Console console) implements RemoteCode.Dialog {

    static TrustDialog of(PrintWriter err) {
        return new TrustDialog(err, System.console()).atTerminal();
    }

    /// The same with nobody to ask where the console is a pipe or a file.
    private TrustDialog atTerminal() {
        return console != null && console.isTerminal() ? this : new TrustDialog(err, null);
    }

    @Override
    public void report(String text) {
        err.println("stencil: " + text);
    }

    @Override
    public boolean ask(String question) {
        if (console == null) {
            return false;
        }
        err.print(question + " [y/N] ");
        err.flush();
        return isYes(console.readLine());
    }

    static boolean isYes(@Nullable String answer) {
        return answer != null && answer.strip().toLowerCase(Locale.ROOT).matches("y|yes");
    }
}
