package dev.altair.sample.desktop

import androidx.compose.ui.unit.DpSize
import androidx.compose.ui.unit.dp
import java.util.prefs.Preferences

/** What the window was like the last time. */
class WindowMemory(private val preferences: Preferences = Preferences.userRoot().node("dev/altair/desktop")) {
    /** The window's size, as it was left. */
    var size: DpSize
        get() = DpSize(
            preferences.getInt("width", WIDTH).coerceAtLeast(LEAST_WIDTH).dp,
            preferences.getInt("height", HEIGHT).coerceAtLeast(LEAST_HEIGHT).dp,
        )
        set(value) {
            preferences.putInt("width", value.width.value.toInt())
            preferences.putInt("height", value.height.value.toInt())
        }

    var maximized: Boolean
        get() = preferences.getBoolean("maximized", false)
        set(value) = preferences.putBoolean("maximized", value)

    /** Whether the person chose dark or light; null while it follows the system. */
    var dark: Boolean?
        get() = preferences.get("dark", null)?.toBoolean()
        set(value) = if (value == null) preferences.remove("dark") else preferences.putBoolean("dark", value)

    private companion object {
        const val WIDTH = 1360
        const val HEIGHT = 860
        const val LEAST_WIDTH = 900
        const val LEAST_HEIGHT = 560
    }
}
