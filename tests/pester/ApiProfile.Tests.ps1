BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $site = Start-AlloyScanSampleSite -Devices 30
    $null = $site | Connect-AlloyScan
    $store = Join-Path $TestDrive 'profile.db'
    $null = New-AlloyScanSyncJob HQ -Store $store
    Set-Content (Join-Path $TestDrive 'wrong.json') '{ "device": { "serialNumber": "hardware.serial" } }'
    $null = New-AlloyScanSyncJob Wrong -ApiProfilePath (Join-Path $TestDrive 'wrong.json') -Store $store
}

AfterAll {
    Get-AlloyScanConnection | Disconnect-AlloyScan
    Stop-AlloyScanSampleSite
}

Describe 'Test-AlloyScanApiProfile' {
    It 'names each location of the connection''s profile' {
        $checks = Test-AlloyScanApiProfile
        $checks[0].PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Site.ApiProfileCheck'
        $checks.Section | Select-Object -Unique | Should -Be 'envelope', 'device', 'snapshot', 'adapter', 'software'
        $checks | Where-Object { $_.Verdict -notin 'Found', 'NotRead', 'Missing' } | Should -BeNullOrEmpty
    }

    It 'says what is wrong with a job''s profile, and the job marks nothing missing' {
        $checks = Test-AlloyScanApiProfile Wrong -Store $store -WarningVariable warnings -WarningAction SilentlyContinue
        ($checks | Where-Object Field -EQ serialNumber | Where-Object Section -EQ device).Verdict | Should -Be 'Guessed'
        "$warnings" | Should -BeLike "*of the job 'Wrong' did not pass*serialNumber*"
        $null = Invoke-AlloyScanSync Wrong -Store $store -WarningVariable warnings -WarningAction SilentlyContinue
        "$warnings" | Should -BeLike '*nothing is marked missing*'
    }

    It 'takes jobs from the pipeline and keeps what passed' {
        Set-Content (Join-Path $TestDrive 'right.json') '{ "paging": { "pageSize": 20 } }'
        $null = Set-AlloyScanSyncJob Wrong -ApiProfilePath (Join-Path $TestDrive 'right.json') -Store $store
        $checks = Get-AlloyScanSyncJob -Store $store | Test-AlloyScanApiProfile -WarningVariable warnings
        $warnings | Should -BeNullOrEmpty
        ($checks | Where-Object Field -EQ total).Count | Should -Be 2
        $null = Invoke-AlloyScanSync Wrong -Store $store -WarningVariable warnings -WarningAction SilentlyContinue
        "$warnings" | Should -Not -BeLike '*nothing is marked missing*'
    }

    It 'reports a job that is not there' {
        Get-ErrorId { Test-AlloyScanApiProfile none -Store $store } | Should -Be 'JobNotFound'
    }
}

Describe 'New-AlloyScanApiProfile' {
    BeforeAll {
        $other = Start-AlloyScanSampleSite -Devices 20 -ApiPath /rest/inventory/v3
        $document = Join-Path $TestDrive 'openapi.json'
        Invoke-WebRequest "$($other.SiteUrl)openapi.json" -OutFile $document
    }

    It 'makes a profile from <Way> on which a job runs that the documented one fails' -ForEach @(
        @{ Way = 'an address'; From = { New-AlloyScanApiProfile "$($other.SiteUrl)openapi.json" -SiteUrl $other.SiteUrl -Path $target -Force } }
        @{ Way = 'a path'; From = { New-AlloyScanApiProfile $document $target -Force } }
        @{ Way = 'a piped file'; From = { Get-Item $document | New-AlloyScanApiProfile -Path $target -Force } }
    ) {
        $target = Join-Path $TestDrive 'derived.json'
        $checks = & $From 3> $null
        $checks[0].PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Site.ApiProfileCheck'
        ($checks | Where-Object Verdict -EQ Guessed).Section | Sort-Object -Unique | Should -Be 'paths'
        ($checks | Where-Object Field -EQ devices).Location | Should -Be '/rest/inventory/v3/devices'

        $null = New-AlloyScanSyncJob Other -SiteUrl $other.SiteUrl -Credential $other.Credential -Store $store
        Get-ErrorId { Invoke-AlloyScanSync Other -Store $store } | Should -Be 'SyncFailed'
        Set-AlloyScanSyncJob Other -ApiProfilePath $target -Store $store
        $null = Test-AlloyScanApiProfile Other -Store $store -WarningVariable warnings
        $warnings | Should -BeNullOrEmpty
        $run = Invoke-AlloyScanSync Other -Store $store
        "$($run.Status) $($run.DevicesRead)" | Should -Be 'Succeeded 20'
        Remove-AlloyScanSyncJob Other -Store $store
    }

    It 'emits JSON without a path, and says what was guessed and what is missing' {
        $json = New-AlloyScanApiProfile $document -WarningVariable warnings -WarningAction SilentlyContinue
        $json | Should -BeOfType string
        ($json | ConvertFrom-Json).paths.device | Should -Be '/rest/inventory/v3/devices/{id}'
        "$warnings" | Should -BeLike 'Guessed from names: paths.devices (/rest/inventory/v3/devices)*the default stays: envelope.nextLink*'
    }

    It 'writes nothing with -WhatIf, and over a file with -Force only' {
        $target = Join-Path $TestDrive 'kept.json'
        $null = New-AlloyScanApiProfile $document $target -WhatIf 3> $null
        $target | Should -Not -Exist
        Set-Content $target mine
        Get-ErrorId { New-AlloyScanApiProfile $document $target } | Should -Be 'FileExists'
        Get-Content $target | Should -Be mine
    }

    It 'refuses <What> with <ErrorId>' -ForEach @(
        @{ What = 'YAML'; ErrorId = 'InvalidOpenApi'; Text = 'openapi: 3.0.1' }
        @{ What = 'other JSON'; ErrorId = 'InvalidOpenApi'; Text = '{ "a": 1 }' }
        @{ What = 'the document of another API'; ErrorId = 'OpenApiWithoutDevices'; Text = '{ "openapi": "3.0.1", "info": { "title": "t", "version": "1" }, "paths": { "/pets": { "get": { "responses": { "200": { "description": "OK" } } } } } }' }
    ) {
        $file = Join-Path $TestDrive 'bad.json'
        Set-Content $file $Text
        $failure = Get-ErrorOf { New-AlloyScanApiProfile $file }
        $failure.FullyQualifiedErrorId | Should -BeLike "$ErrorId,*"
        $failure.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
    }

    It 'takes no document from elsewhere' {
        Get-ErrorId { New-AlloyScanApiProfile "$($other.SiteUrl)openapi.json" -SiteUrl https://site.example/hq } | Should -Be 'OpenApiOfOtherHost'
        Get-ErrorId { New-AlloyScanApiProfile "$($other.SiteUrl)openapi.json" -Connection (Get-AlloyScanConnection)[0].Name } | Should -Be 'OpenApiOfOtherHost'
        Get-ErrorId { New-AlloyScanApiProfile http://site.example/openapi.json } | Should -Be 'InsecureSiteUrl'
        Get-ErrorId { New-AlloyScanApiProfile "$($other.SiteUrl)none.json" } | Should -Be 'OpenApiUnreadable'
        Get-ErrorId { New-AlloyScanApiProfile (Join-Path $TestDrive none.json) } | Should -Be 'FileUnreadable'
    }
}
