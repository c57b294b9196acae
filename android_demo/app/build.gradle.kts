plugins {
    alias(libs.plugins.android.application)
}

// Sources are where Gradle expects them: src/main/kotlin, src/main/res, src/main/AndroidManifest.xml.

// The models lie with the Python package; nothing is committed twice.
val models = tasks.register<Copy>("models") {
    from(rootDir.resolve("../keras_reparam/pretrained")) { include("*.tflite") }
    into(layout.buildDirectory.dir("assets/models"))
}

val notices = tasks.register<Copy>("notices") {
    from("src/main/notices/notices.txt")
    from(rootDir.resolve("../LICENSE"))
    into(layout.buildDirectory.dir("assets"))
}

android {
    namespace = "kerasreparam.emotion.app"
    compileSdk = libs.versions.compileSdk.get().toInt()

    defaultConfig {
        applicationId = "kerasreparam.emotion.app"
        minSdk = libs.versions.minSdk.get().toInt()
        targetSdk = libs.versions.targetSdk.get().toInt()
        versionCode = 1
        versionName = "1.0.0"
    }

    buildTypes {
        release {
            isMinifyEnabled = true
            proguardFiles("keep.pro")
        }
    }

    sourceSets {
        getByName("main") {
            assets.directories.add(layout.buildDirectory.dir("assets").get().asFile.path)
        }
    }

    androidResources {
        noCompress += "tflite"
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }
}

tasks.named("preBuild") {
    dependsOn(models, notices)
}

dependencies {
    implementation(project(":library"))
}
