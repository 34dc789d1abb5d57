package dev.altair.sample.desktop

import androidx.compose.ui.awt.ComposeWindow
import dev.altair.core.Altair
import dev.altair.model.EntityId
import dev.altair.model.Kind
import dev.altair.sample.AppModel
import dev.altair.sample.AppState
import dev.altair.sample.Section
import dev.altair.sample.Workspace
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.swing.Swing
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import org.junit.Assume.assumeFalse
import org.junit.Assume.assumeNotNull
import java.awt.GraphicsEnvironment
import java.awt.Rectangle
import java.awt.Robot
import java.awt.image.BufferedImage
import java.io.File
import java.nio.file.Files
import javax.imageio.ImageIO
import kotlin.test.Test
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** Takes pictures of the real window, where there is a screen, into the folder that the property or variable below names. */
class ScreenshotTest {
    private val folder: String? = System.getProperty("altair.screenshots") ?: System.getenv("ALTAIR_SCREENSHOTS")

    @Test
    fun light() = picture("desktop-light", dark = false) { navigation.open(Kind.Note, it) }

    @Test
    fun dark() = picture("desktop-dark", dark = true) { navigation.open(Kind.Note, it) }

    @Test
    fun inbox() = picture("inbox-light", dark = false) { navigation.open(Section.Inbox, inbox.captures.first { it.known }.things[1].id) }

    @Test
    fun quests() = picture("quests-dark", dark = true) {
        navigation.open(Section.Quests, quests.quests.first { it.known }.things[1].id)
    }

    @Test
    fun items() = picture("items-light", dark = false) { navigation.open(Section.Items, items.items.first { it.known }.things[2].id) }

    @Test
    fun search() = picture("search-light", dark = false) {
        navigation.open(Kind.Note, it)
        search.open()
        search.search("gard")
        search.state.first { state -> state.found }
    }

    @Test
    fun trash() = picture("trash-light", dark = false) {
        trash.delete(it).join()
        navigation.go(Section.Trash)
    }

    @Test
    fun conflicts() = picture("conflicts-dark", dark = true) { navigation.go(Section.Conflicts) }

    @Test
    fun importing() = picture("import-light", dark = false) { navigation.go(Section.Import) }

    @Test
    fun history() = picture("history-light", dark = false) {
        navigation.open(Kind.Note, it)
        editor.state.first { state -> state?.id == it }
        history.show(it)
        history.versions.first { versions -> versions.known }
    }

    @Test
    fun locations() = picture("locations-light", dark = false) {
        navigation.open(Section.Locations, locations.locations.first { it.known }.things[0].id)
    }

    private fun picture(name: String, dark: Boolean, arrange: suspend Workspace.(EntityId) -> Unit) {
        assumeNotNull(folder)
        assumeFalse("a picture needs a screen", GraphicsEnvironment.isHeadless())
        val directory = Files.createTempDirectory("altair-picture").toString()
        runBlocking {
            withTimeout(60.seconds) {
                val altair = Altair.open(directory)
                val note = altair.furnish()
                val model = withContext(Dispatchers.Swing) { AppModel(directory, Dispatchers.Swing) { altair } }
                val workspace = model.state.filterIsInstance<AppState.Open>().first().workspace
                val window = withContext(Dispatchers.Swing) { open(model, dark) }
                withContext(Dispatchers.Swing) {
                    workspace.arrange(note)
                    workspace.status.status.first { it != null }
                    if (workspace.navigation.place.value.open != null) workspace.editor.state.first { it != null }
                }
                ImageIO.write(settled(window), "png", File(folder, "$name.png"))
                withContext(Dispatchers.Swing) { window.dispose() }
                model.close()
            }
        }
        File(directory).deleteRecursively()
    }

    private fun open(model: AppModel, dark: Boolean) = ComposeWindow().apply {
        isUndecorated = true
        setSize(WIDTH, HEIGHT)
        setLocation(0, 0)
        setContent { App(model, dark, onToggleDark = {}) }
        isVisible = true
    }

    /** The window once its picture stays the same for longer than it takes to draw, and shorter than the cursor takes to blink. */
    private suspend fun settled(window: ComposeWindow): BufferedImage {
        val robot = Robot()
        var before = IntArray(0)
        var same = 0
        while (true) {
            val picture = robot.createScreenCapture(Rectangle(window.location, window.size))
            val now = picture.getRGB(0, 0, picture.width, picture.height, null, 0, picture.width)
            same = if (now.contentEquals(before)) same + 1 else 0
            if (same >= ENOUGH && now.any { it != now.first() }) return picture
            before = now
            delay(BETWEEN)
        }
    }

    private companion object {
        const val WIDTH = 1440
        const val HEIGHT = 920
        const val ENOUGH = 2
        val BETWEEN = 80.milliseconds
    }
}
