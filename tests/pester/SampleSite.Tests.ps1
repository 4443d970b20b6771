BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
}

AfterAll {
    Stop-AlloyScanSampleSite
}

Describe 'Start-AlloyScanSampleSite' {
    It 'starts a site that can be connected to from the pipeline' {
        $site = Start-AlloyScanSampleSite -Devices 7
        $site.IsRunning | Should -BeTrue
        $site.SiteUrl.IsLoopback | Should -BeTrue
        $null = $site | Connect-AlloyScan
        @(Get-AlloyScanDevice).Count | Should -Be 7
    }

    It 'makes the same fleet from the same seed' {
        $names = foreach ($seed in 5, 5, 6) {
            $connection = Start-AlloyScanSampleSite 20 -Seed $seed | Connect-AlloyScan
            (Get-AlloyScanDevice -Connection $connection).Name -join ','
        }
        $names[0] | Should -Be $names[1]
        $names[0] | Should -Not -Be $names[2]
    }

    It 'makes machines that are hard to tell apart' {
        $names = foreach ($doubtful in $false, $true) {
            $connection = Start-AlloyScanSampleSite 200 -Day 3 -Doubtful:$doubtful | Connect-AlloyScan
            (Get-AlloyScanDevice -Connection $connection).SerialNumber -join ','
        }
        $names[0] | Should -Not -Be $names[1]
    }

    It 'misbehaves as it is asked to, and completes the names of all faults' {
        $record = Get-ErrorOf { Start-AlloyScanSampleSite 1 -Fault nonsense }
        $record.FullyQualifiedErrorId | Should -BeLike 'SampleSiteNotStarted,*'
        $record.Exception.Message | Should -BeLike "*'nonsense'*"
        $presets = (Get-ErrorOf { Start-AlloyScanSampleSite 1 -Fault 'preset nonsense' }).Exception.Message -replace '.*there are ' -split '[,.\s]+' -ne ''
        $presets.Count | Should -BeGreaterThan 25
        (TabExpansion2 'Start-AlloyScanSampleSite -Fault ').CompletionMatches.CompletionText | Should -Be ($presets | Sort-Object)
    }

    It 'with the fault <Fault> makes a run end as <Status> and say <Says>' -ForEach @(
        @{ Fault = 'shaky'; Status = 'Succeeded'; Says = '' }
        @{ Fault = 'Html:on=List'; Status = 'Failed'; Says = '*HTML*proxy*' }
        @{ Fault = 'TotalCollapses:on=List'; Status = 'PartiallySucceeded'; Says = '*could not be read completely; nothing was marked missing, retired, deleted or removed*' }
        @{ Fault = 'forbidden'; Status = 'Failed'; Says = '*refuses (403*may not do that*' }
        @{ Fault = 'redirect'; Status = 'Failed'; Says = '*redirects (302) to http://elsewhere.invalid*' }
        @{ Fault = 'Truncated:on=Snapshot,sticky=true'; Status = 'PartiallySucceeded'; Says = "*1 device failed; see the run's errors*" }
    ) {
        $site = Start-AlloyScanSampleSite 30 -Fault $Fault
        $site.Fault | Should -Be $Fault
        $store = Join-Path $TestDrive "$([guid]::NewGuid()).db"
        $job = $site | New-AlloyScanSyncJob Rehearsal -Store $store
        $run = $job | Invoke-AlloyScanSync -ErrorAction SilentlyContinue -WarningAction SilentlyContinue
        if (-not $run) {
            $run = Get-AlloyScanSyncRun -Store $store | Select-Object -First 1
        }

        "$($run.Status)" | Should -Be $Status
        if ($Says) {
            $run.Message | Should -BeLike $Says
        }

        $site | Stop-AlloyScanSampleSite
    }

    It 'listens on the port that was asked for, and says so when it is taken' {
        $first = Start-AlloyScanSampleSite 1
        $id = Get-ErrorId { Start-AlloyScanSampleSite 1 -Port $first.SiteUrl.Port }
        $id | Should -Be 'SampleSiteNotStarted'
    }

    It 'starts nothing with -WhatIf' {
        Start-AlloyScanSampleSite -WhatIf | Should -BeNullOrEmpty
    }

    It 'refuses a negative number of devices' {
        Get-ErrorId { Start-AlloyScanSampleSite -Devices -1 } | Should -Be 'ParameterArgumentValidationError'
    }

    It 'says what is missing when dotnet is not on the PATH' {
        $lines = Invoke-Pwsh '$env:PATH = "/nowhere"; Import-Module $module; try { Start-AlloyScanSampleSite -ErrorAction Stop } catch { $_.FullyQualifiedErrorId; "$_"; $_.ErrorDetails.RecommendedAction }'
        $lines[0] | Should -BeLike 'SampleSiteNotStarted,*'
        $lines[1] | Should -BeLike '*dotnet*'
        $lines[2] | Should -BeLike '*.NET 10*'
    }

    It 'ends with the process that started it' {
        $id = [int](Invoke-Pwsh 'Import-Module $module; (Start-AlloyScanSampleSite 1).ProcessId')
        for ($i = 0; $i -lt 50 -and (Get-Process -Id $id -ErrorAction Ignore); $i++) {
            Start-Sleep -Milliseconds 100
        }

        Get-Process -Id $id -ErrorAction Ignore | Should -BeNullOrEmpty
    }

    It 'does not show the client secret' {
        $site = Start-AlloyScanSampleSite 1
        $secret = $site.Credential.GetNetworkCredential().Password
        $secret | Should -Not -BeNullOrEmpty
        $shown = $site | Format-List * | Out-String
        $shown + ($site | Format-Table | Out-String) + "$site" | Should -Not -BeLike "*$secret*"
    }
}

Describe 'Stop-AlloyScanSampleSite' {
    It 'stops the site from the pipeline' {
        $site, $other = (Start-AlloyScanSampleSite 1), (Start-AlloyScanSampleSite 1)
        $site | Stop-AlloyScanSampleSite
        $site.IsRunning | Should -BeFalse
        $other.IsRunning | Should -BeTrue
    }

    It 'stops nothing with -WhatIf' {
        $site = Start-AlloyScanSampleSite 1
        Stop-AlloyScanSampleSite $site -WhatIf
        $site.IsRunning | Should -BeTrue
    }

    It 'stops all when none is named, and is content when there is none' {
        $site = Start-AlloyScanSampleSite 1
        Stop-AlloyScanSampleSite
        $site.IsRunning | Should -BeFalse
        { Stop-AlloyScanSampleSite -ErrorAction Stop; Stop-AlloyScanSampleSite $site -ErrorAction Stop } | Should -Not -Throw
    }
}
