@file:OptIn(ExperimentalTestApi::class)

package dev.altair.sample.desktop

import androidx.compose.ui.geometry.Size
import androidx.compose.ui.input.key.Key
import androidx.compose.ui.test.ComposeUiTest
import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.SemanticsMatcher
import androidx.compose.ui.test.assertIsFocused
import androidx.compose.ui.test.hasAnyAncestor
import androidx.compose.ui.test.hasTestTag
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performKeyInput
import androidx.compose.ui.test.performScrollToNode
import androidx.compose.ui.test.performTextInput
import androidx.compose.ui.test.performTextReplacement
import androidx.compose.ui.test.pressKey
import androidx.compose.ui.test.requestFocus
import androidx.compose.ui.test.runSkikoComposeUiTest
import androidx.compose.ui.test.withKeyDown
import dev.altair.core.Altair
import dev.altair.sample.AppModel
import dev.altair.sample.AppState
import dev.altair.sample.Section
import dev.altair.sample.Workspace
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.swing.Swing
import java.io.File
import java.nio.file.Files

/** The app in a window of a test, on a store of its own in [directory]. Somebody else can write to the same store through [altair]. */
internal class ShownApp(private val ui: ComposeUiTest, val directory: File, val altair: Altair, val workspace: Workspace) {
    /** Waits until something that can be seen matches. */
    fun see(what: String, matcher: SemanticsMatcher, count: Int? = null) = until(what) {
        val nodes = ui.onAllNodes(matcher).fetchSemanticsNodes()
        if (count == null) nodes.isNotEmpty() else nodes.size == count
    }

    fun seeText(text: String, inside: String? = null) = see("“$text”", text(text, inside))

    fun notSee(text: String, inside: String? = null) = see("no “$text”", text(text, inside), count = 0)

    fun press(tag: String) {
        see(tag, hasTestTag(tag))
        ui.onAllNodes(hasTestTag(tag))[0].performClick()
    }

    fun pressText(text: String, inside: String) {
        seeText(text, inside)
        ui.onAllNodes(text(text, inside))[0].performClick()
    }

    /** Types into a field, after what is there. */
    fun type(tag: String, text: String) {
        see(tag, hasTestTag(tag))
        ui.onNodeWithTag(tag).performTextInput(text)
    }

    fun retype(tag: String, text: String) {
        see(tag, hasTestTag(tag))
        ui.onNodeWithTag(tag).performTextReplacement(text)
    }

    /** Gives [tag] the focus and presses a key there. */
    fun key(tag: String, key: Key, with: List<Key> = emptyList()) {
        see(tag, hasTestTag(tag))
        ui.onNodeWithTag(tag).requestFocus().performKeyInput {
            fun press(held: List<Key>) {
                if (held.isEmpty()) pressKey(key) else withKeyDown(held.first()) { press(held.drop(1)) }
            }
            press(with)
        }
    }

    fun scrollTo(list: String, tag: String) {
        until("$tag in $list") { runCatching { ui.onNodeWithTag(list).performScrollToNode(hasTestTag(tag)) }.isSuccess }
    }

    fun focused(tag: String) {
        until("$tag has the focus") { runCatching { ui.onNodeWithTag(tag).assertIsFocused() }.isSuccess }
    }

    fun go(section: Section) = press("section:${section.name}")

    fun until(what: String, condition: () -> Boolean) = ui.waitUntil(what, DEADLINE_MILLIS, condition)

    /** Waits until the store holds what it should. */
    fun <T> untilStored(what: String, read: suspend Altair.() -> T, wanted: (T) -> Boolean) =
        until(what) { wanted(runBlocking { altair.read() }) }

    private fun text(text: String, inside: String?): SemanticsMatcher {
        val matcher = hasText(text, substring = true)
        return if (inside == null) matcher else matcher and hasAnyAncestor(hasTestTag(inside))
    }
}

internal const val DEADLINE_MILLIS = 20_000L

/** Runs [test] on the shown app, with a store that was made ready by [prepare]; [before] does what has to be done before it is opened. */
internal fun withApp(prepare: suspend Altair.() -> Unit = {}, before: (File) -> Unit = {}, test: ShownApp.() -> Unit) {
    val directory = Files.createTempDirectory("altair-desktop").toFile().also(before)
    val altair = runBlocking { Altair.open(directory.path).apply { prepare() } }
    try {
        runSkikoComposeUiTest(size = Size(1440f, 900f)) {
            val model = AppModel(directory.path, Dispatchers.Swing) { altair }
            try {
                setContent { App(model, dark = false, onToggleDark = {}) }
                waitUntil("the store is open", DEADLINE_MILLIS) { model.state.value is AppState.Open }
                ShownApp(this, directory, altair, (model.state.value as AppState.Open).workspace).test()
            } finally {
                runBlocking { model.close() }
            }
        }
    } finally {
        directory.deleteRecursively()
    }
}
