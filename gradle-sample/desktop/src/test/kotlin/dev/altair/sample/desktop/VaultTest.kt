package dev.altair.sample.desktop

import androidx.compose.ui.input.key.Key
import androidx.compose.ui.test.hasTestTag
import dev.altair.sample.Saving
import dev.altair.sample.Section
import org.junit.Assume.assumeTrue
import java.io.File
import kotlin.test.Test

/** A real vault that nobody here wrote: import it, find something in it, follow a backlink, edit and undo. */
class VaultTest {
    private val vault = File(System.getenv("ALTAIR_DATA").orEmpty(), "vault-en")

    @Test
    fun a_real_vault_is_imported_searched_followed_edited_and_undone() {
        assumeTrue("this needs ALTAIR_DATA with vault-en in it", vault.isDirectory)
        withApp {
            go(Section.Import)
            type("folder", vault.path)
            press("import")
            see("the import's end", hasTestTag("imported"))
            press("search-button")
            type("query", "end-to-end encryption")
            see("answers", hasTestTag("hit"))
            key("query", Key.Enter)
            until("a note is open") { workspace.editor.state.value != null }
            val found = workspace.editor.state.value!!.id
            press("mode:Read")
            until("it has backlinks") { workspace.editor.state.value!!.details.backlinks.isNotEmpty() }
            scrollTo("preview", "backlink")
            press("backlink")
            until("another note is open") { workspace.editor.state.value.let { it != null && it.id != found } }
            press("mode:Both")
            val before = workspace.editor.state.value!!.body.text
            type("body", "Read by somebody in a test.")
            until("the edit is saved") { workspace.editor.state.value!!.let { it.saving == Saving.Saved && it.body.base != before } }
            press("undo")
            until("the edit is undone") { workspace.editor.state.value!!.body.text == before }
        }
    }
}
