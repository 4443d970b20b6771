BeforeDiscovery {
    $analyze = Get-Command systemd-analyze -ErrorAction Ignore
}

BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $before = @{ XDG_CONFIG_HOME = $env:XDG_CONFIG_HOME; XDG_RUNTIME_DIR = $env:XDG_RUNTIME_DIR; PATH = $env:PATH }
    # The folder of units, and a program, with what needs quoting in their names.
    $env:XDG_CONFIG_HOME = Join-Path $TestDrive 'config home'
    $folder = Join-Path $TestDrive 'my 100% programs'
    $null = New-Item -ItemType Directory $folder
    $program = Join-Path $folder 'alloyscan'
    Set-Content $program "#!/bin/sh`nexit 0"
    if (-not $IsWindows) {
        chmod +x $program
    }

    $store = Join-Path $TestDrive 'the store.db'
}

AfterAll {
    $env:XDG_CONFIG_HOME = $before.XDG_CONFIG_HOME
    $env:XDG_RUNTIME_DIR = $before.XDG_RUNTIME_DIR
    $env:PATH = $before.PATH
}

Describe 'Register-AlloyScanAutomation' -Skip:(-not $IsLinux) {
    AfterEach {
        Get-AlloyScanAutomation -Scope User | Unregister-AlloyScanAutomation -NoCommand
    }

    It 'writes a unit that starts the server, and nothing else with -NoCommand' {
        $automation = Register-AlloyScanAutomation nightly -Path $program -Store $store -Scope User -MaxConcurrent 2 -HealthPort off -LogFile "$TestDrive/serve.log" -NoCommand -WarningAction SilentlyContinue
        $automation.Path | Should -BeExactly (Join-Path $env:XDG_CONFIG_HOME 'systemd/user/nightly.service')
        $text = Get-Content $automation.Path -Raw
        $text | Should -BeExactly $automation.Text
        $text | Should -Match ([regex]::Escape("ExecStart=`"$($program -replace '%', '%%')`" serve --store `"$store`" --max-concurrent 2 --health-port off --log-file"))
        $text | Should -Match '(?m)^Type=notify$'
        $text | Should -Not -Match 'LoadCredential'
        $automation.State | Should -Be 'unknown'
    }

    It 'leaves the store to the file with variables if that names it' {
        Set-Content $TestDrive/with.env '# of the service', 'ALLOYSCAN_STORE=postgresql://alloyscan@db.example.com/alloyscan'
        Set-Content $TestDrive/without.env 'PGPASSFILE=/etc/alloyscan/pgpass'
        $common = @{ Path = $program; Scope = 'User'; NoCommand = $true; WarningAction = 'SilentlyContinue' }
        (Register-AlloyScanAutomation with @common -EnvironmentFile $TestDrive/with.env).Text | Should -Match '(?m) serve$'
        (Register-AlloyScanAutomation without @common -EnvironmentFile $TestDrive/without.env).Text | Should -Match '(?m) serve --store '
        (Register-AlloyScanAutomation given @common -EnvironmentFile $TestDrive/with.env -Store $store).Text | Should -Match ([regex]::Escape("serve --store `"$store`""))
    }

    It 'is accepted by systemd-analyze' -Skip:(-not $analyze) {
        Set-Content $TestDrive/secret 'x'
        $automation = Register-AlloyScanAutomation nightly -Path $program -Store $store -Scope User -SecretFile @{ hq = "$TestDrive/secret" } -EnvironmentFile "$TestDrive/some.env" -NoCommand -WarningAction SilentlyContinue
        # It wants a folder for its sockets, whether it opens one or not.
        $env:XDG_RUNTIME_DIR = $TestDrive
        $said = systemd-analyze verify --user --man=no $automation.Path 2>&1 | ForEach-Object { "$_" }
        $LASTEXITCODE | Should -Be 0 -Because "$said"
        $said | Where-Object { $_ -match 'nightly' } | Should -BeNullOrEmpty

        # It would say what is wrong.
        Set-Content $automation.Path ($automation.Text -replace 'serve --store "', 'serve --store ')
        $null = systemd-analyze verify --user --man=no $automation.Path 2>&1
        $LASTEXITCODE | Should -Not -Be 0
    }

    It 'finds the program on the PATH, and says plainly when it is not there' {
        $env:PATH = $before.PATH
        Get-ErrorId { Register-AlloyScanAutomation -Scope User -NoCommand } | Should -Be 'AutomationProgramNotFound'
        $env:PATH = $folder + [System.IO.Path]::PathSeparator + $before.PATH
        (Register-AlloyScanAutomation -Store $store -Scope User -NoCommand -WarningAction SilentlyContinue).Text | Should -Match 'my 100%% programs/alloyscan'
        $env:PATH = $before.PATH
        $record = Get-ErrorOf { Register-AlloyScanAutomation -Path $TestDrive/nothing -Scope User -NoCommand }
        $record.FullyQualifiedErrorId | Should -BeLike 'AutomationProgramNotFound,*'
        $record.ErrorDetails.RecommendedAction | Should -BeLike '*dotnet publish*-Path*'
    }

    It 'shows file, text and commands with -WhatIf, and does nothing' {
        $shown = Invoke-Pwsh "Import-Module `$module; `$env:XDG_CONFIG_HOME = '$env:XDG_CONFIG_HOME'; Register-AlloyScanAutomation nightly -Path '$program' -Store '$store' -Scope User -Start -WhatIf" | Out-String
        $shown | Should -Match ([regex]::Escape((Join-Path $env:XDG_CONFIG_HOME 'systemd/user/nightly.service')))
        $shown | Should -Match 'WantedBy=default.target'
        $shown | Should -Match 'systemctl --user daemon-reload'
        $shown | Should -Match 'systemctl --user enable --now nightly.service'
        Join-Path $env:XDG_CONFIG_HOME 'systemd/user/nightly.service' | Should -Not -Exist
    }

    It 'says which command failed, and leaves the file' -Skip:(Test-Path /run/systemd/system) {
        $record = Get-ErrorOf { Register-AlloyScanAutomation nightly -Path $program -Store $store -Scope User }
        $record.FullyQualifiedErrorId | Should -BeLike 'AutomationCommandFailed,*'
        "$record" | Should -BeLike '*systemctl --user daemon-reload*'
        (Get-AlloyScanAutomation nightly).Name | Should -Be 'nightly'
    }

    It 'refuses <Why> with <Id>' -ForEach @(
        @{ Why = 'a name with a slash'; Id = 'InvalidAutomation'; Do = { Register-AlloyScanAutomation 'a/b' -Path $program -Scope User -NoCommand } }
        @{ Why = 'an account of a user''s unit'; Id = 'InvalidAutomation'; Do = { Register-AlloyScanAutomation x -Path $program -Scope User -User bob -NoCommand } }
        @{ Why = 'an account that is none'; Id = 'InvalidAutomation'; Do = { Register-AlloyScanAutomation x -Path $program -Scope System -User 'bob alice' -NoCommand } }
        @{ Why = 'a manager that this system lacks'; Id = 'InvalidAutomation'; Do = { Register-AlloyScanAutomation x -Path $program -Scope System -Manager WindowsService -NoCommand } }
        @{ Why = 'a store with a password'; Id = 'SecretInArgument'; Do = { Register-AlloyScanAutomation x -Path $program -Scope User -Store 'Host=db;Database=a;Password=hunter2' -NoCommand } }
    ) {
        Get-ErrorId $Do | Should -Be $Id
        Get-AlloyScanAutomation x | Should -BeNullOrEmpty
    }

    It 'leaves the unit of somebody else alone' {
        $units = New-Item -ItemType Directory (Join-Path $env:XDG_CONFIG_HOME 'systemd/user') -Force
        Set-Content "$units/theirs.service" '[Service]'
        Get-ErrorId { Register-AlloyScanAutomation theirs -Path $program -Store $store -Scope User -NoCommand } | Should -Be 'NotOurAutomation'
        Get-AlloyScanAutomation theirs | Should -BeNullOrEmpty
        Get-ErrorId { Unregister-AlloyScanAutomation theirs -NoCommand } | Should -Be 'AutomationNotFound'
        "$units/theirs.service" | Should -Exist
    }
}

Describe 'Get- and Unregister-AlloyScanAutomation' -Skip:(-not $IsLinux) {
    BeforeEach {
        $null = 'one', 'two' | ForEach-Object { Register-AlloyScanAutomation $_ -Path $program -Store $store -Scope User -NoCommand -WarningAction SilentlyContinue }
    }

    AfterEach {
        Get-AlloyScanAutomation -Scope User | Unregister-AlloyScanAutomation -NoCommand
    }

    It 'lists by name and wildcard' {
        (Get-AlloyScanAutomation -Scope User).Name | Should -Be 'one', 'two'
        (Get-AlloyScanAutomation T*).Name | Should -Be 'two'
        ('one' | Get-AlloyScanAutomation).Manager | Should -Be 'systemd'
        Get-AlloyScanAutomation three | Should -BeNullOrEmpty
    }

    It 'shows a table that fits 100 columns' {
        $lines = (Get-AlloyScanAutomation -Scope User | Out-String -Width 100).Trim().Split("`n").TrimEnd()
        $lines[0] | Should -Match '^Name +Scope +Manager +State +Path$'
        ($lines | Measure-Object Length -Maximum).Maximum | Should -BeLessOrEqual 100
    }

    It 'removes what is named or piped, and nothing with -WhatIf' {
        Unregister-AlloyScanAutomation one -WhatIf
        (Get-AlloyScanAutomation -Scope User).Name | Should -Be 'one', 'two'
        Unregister-AlloyScanAutomation one -NoCommand
        (Get-AlloyScanAutomation -Scope User).Name | Should -Be 'two'
        Get-AlloyScanAutomation two | Unregister-AlloyScanAutomation -NoCommand
        Get-AlloyScanAutomation -Scope User | Should -BeNullOrEmpty
    }

    It 'finds them by manager' {
        Get-ErrorId { Unregister-AlloyScanAutomation one -Manager TaskScheduler -NoCommand } | Should -Be 'AutomationNotFound'
        Unregister-AlloyScanAutomation one -Manager systemd -NoCommand
        (Get-AlloyScanAutomation -Scope User).Name | Should -Be 'two'
    }

    It 'reports an unknown name and goes on' {
        Unregister-AlloyScanAutomation three, one -NoCommand -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.Count | Should -Be 1
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'AutomationNotFound,*'
        (Get-AlloyScanAutomation -Scope User).Name | Should -Be 'two'
    }
}
